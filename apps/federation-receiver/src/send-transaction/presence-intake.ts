import type { Config } from '@atoll/config';
import { PresenceChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  type InboundRoomReader,
  type KnownPresence,
  type Presence,
  type PresenceReader,
  PresenceTransactor,
} from '@atoll/database';
import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';

/** Of one transaction. */
const MAX_USERS = 1_000;
const MAX_STATUS_LENGTH = 1_024;
const PRESENCES: readonly unknown[] = ['online', 'unavailable', 'offline'] satisfies Presence[];

/** An update as the other server words it, without what has not the right form. */
interface Update {
  readonly presence: Presence;
  readonly statusMsg: string | null;
  readonly lastActiveAgo: number | undefined;
  readonly currentlyActive: boolean;
}

/** Takes in the presence of users of other servers. */
export class PresenceIntake {
  constructor(
    private readonly config: Pick<Config, 'presence' | 'serverName'>,
    private readonly database: Database,
    private readonly rooms: Pick<InboundRoomReader, 'isJoining'>,
    private readonly reader: PresenceReader,
    private readonly announcer: Announcer,
  ) {}

  /**
   * Of users who share a room with a user of this server; the others are left out. While a room is being joined nobody is left out:
   * who is in it is known only when the join is done, and its servers tell of their users at once. Of several updates of a user the last counts.
   * @param contents of admitted `m.presence` EDUs, in their order
   * @see https://spec.matrix.org/v1.19/server-server-api/#presence
   */
  async take(contents: readonly JsonObject[]): Promise<void> {
    if (!this.config.presence) return;
    const updates = new Map<UserId, Update>();
    for (const update of contents.flatMap(({ push }) => push).slice(0, MAX_USERS)) {
      if (isJsonObject(update) && PRESENCES.includes(update['presence'])) {
        updates.set(update['user_id'] as UserId, readUpdate(update));
      }
    }
    if (updates.size === 0) return;
    const named = [...updates.keys()];
    const sharing = await this.reader.sharingWith(this.config.serverName, named);
    const users = sharing.length < named.length && (await this.rooms.isJoining()) ? named : sharing;
    if (users.length === 0) return;
    const now = Date.now();
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new PresenceTransactor(trx, closing).change(users, false, (before) => {
        const update = updates.get(before.userId);
        return update && updated(before, update, now);
      }),
    );
    if (taken) this.announcer.publish(PresenceChanged, { position: taken.at(0) });
  }
}

function readUpdate({ presence, status_msg, last_active_ago, currently_active }: JsonObject): Update {
  return {
    presence: presence as Presence,
    statusMsg: isStatus(status_msg) ? status_msg : null,
    lastActiveAgo: typeof last_active_ago === 'number' && last_active_ago >= 0 ? last_active_ago : undefined,
    currentlyActive: presence === 'online' && currently_active === true,
  };
}

function isStatus(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_STATUS_LENGTH && !value.includes('\0');
}

function updated(before: KnownPresence, update: Update, now: number): KnownPresence {
  const { lastActiveAgo, ...rest } = update;
  const lastActiveTs =
    lastActiveAgo === undefined ? before.lastActiveTs : Math.max(0, Math.round(now - lastActiveAgo));
  return { ...before, ...rest, lastActiveTs, updatedTs: now };
}
