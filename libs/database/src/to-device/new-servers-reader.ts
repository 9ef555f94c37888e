import { type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Finds the servers that nothing was ever sent to. */
export class NewServersReader {
  constructor(private readonly database: Database) {}

  /** Those of the users' servers that are new and have no good reason to be named: none of these users shares a room with the sender. */
  async named(sender: UserId, users: readonly UserId[]): Promise<Set<ServerName>> {
    const servers = new Set(users.map(serverNameOf));
    const known = await this.database.db
      .selectFrom('destinations')
      .select('destination')
      .where('destination', '=', anyOf([...servers]))
      .execute();
    for (const { destination } of known) servers.delete(destination);
    if (servers.size === 0) return servers;
    const strangers = users.filter((userId) => servers.has(serverNameOf(userId)));
    for (const userId of await this.sharing(sender, strangers)) servers.delete(serverNameOf(userId));
    return servers;
  }

  /** Those of the users who are in a room that the sender is in, or invited to it. */
  private async sharing(sender: UserId, users: readonly UserId[]): Promise<UserId[]> {
    const rows = await this.database.db
      .selectFrom('state_keys as k')
      .innerJoin('memberships as m', 'm.user_nid', 'k.state_key_nid')
      .innerJoin('memberships as own', 'own.room_nid', 'm.room_nid')
      .innerJoin('state_keys as sender', 'sender.state_key_nid', 'own.user_nid')
      .select('k.state_key')
      .distinct()
      .where('k.state_key', '=', anyOf<string>(users))
      .where('m.membership', 'in', ['join', 'invite'])
      .where('sender.state_key', '=', sender)
      .where('own.membership', '=', 'join')
      .execute();
    return rows.map(({ state_key }) => state_key as UserId);
  }
}
