import type { Introduction, OutgoingDeviceReader, OutgoingEventReader } from '@atoll/database';
import { type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import { type Join, joinsIn } from '../routing/joins-in.js';
import type { SharingServers } from './sharing-servers.js';

/** Of a user who joins one: to servers in any other, the user is introduced once more. */
const MAX_OTHER_ROOMS = 200;
/** Clocks of other servers may be so far off. */
const CLOCK_MS = 10 * 60_000;
/** Nobody is told of older changes, however old a server says that its join is. */
const MAX_LATE_MS = 7 * 24 * 3_600_000;

export interface IntroductionsOptions {
  readonly reader: Pick<OutgoingDeviceReader, 'roomsBefore' | 'hasChangedSince' | 'changedIn'>;
  readonly events: Pick<OutgoingEventReader, 'roomChanges'>;
  readonly sharing: Pick<SharingServers, 'inRoom' | 'usersIn'>;
  readonly serverName: ServerName;
}

/**
 * Whom other servers must be told of because of joins.
 *
 * - A local user who comes into a room: the servers there that did not share one before.
 * - A server whose first user comes into a room: of the local users there those whose lists changed since it made its join, and ten minutes
 *   before for its clock, but at most in the last week. Its users could ask for lists as soon as it was in the room, while this server had not
 *   heard of that and told it of no change.
 */
export class Introductions {
  constructor(private readonly options: IntroductionsOptions) {}

  /** By server. */
  async of(joins: readonly Join[]): Promise<Map<ServerName, Introduction[]>> {
    const { serverName } = this.options;
    const introductions = new Map<ServerName, Introduction[]>();
    const add = (destination: ServerName, userId: UserId, position: number) => {
      const ofServer = introductions.get(destination);
      if (ofServer) ofServer.push({ userId, position });
      else introductions.set(destination, [{ userId, position }]);
    };
    const [ours, theirs] = [true, false].map((isOurs) =>
      joins.filter(({ userId }) => (serverNameOf(userId) === serverName) === isOurs),
    );
    for (const join of ours ?? []) {
      for (const server of await this.serversMetIn(join)) add(server, join.userId, join.position);
    }
    for (const { roomNid, userId, position, since } of await this.arrivals(theirs ?? [])) {
      for (const changed of await this.options.reader.changedIn(roomNid, since)) {
        add(serverNameOf(userId), changed, position);
      }
    }
    return introductions;
  }

  private async serversMetIn({ userId, roomNid, position }: Join): Promise<Set<ServerName>> {
    const { reader, sharing } = this.options;
    const met = new Set(await sharing.inRoom(roomNid));
    if (met.size === 0) return met;
    for (const other of await reader.roomsBefore(userId, position, MAX_OTHER_ROOMS)) {
      for (const known of await sharing.inRoom(other)) met.delete(known);
      if (met.size === 0) break;
    }
    return met;
  }

  /** The joins by which servers came into rooms, where lists changed since. */
  private async arrivals(joins: readonly Join[]): Promise<(Join & { readonly since: number })[]> {
    const earliest = Date.now() - MAX_LATE_MS;
    const byServer = Map.groupBy(joins, ({ roomNid, userId }) => `${roomNid} ${serverNameOf(userId)}`);
    const firsts = [...byServer.values()].flatMap(([first]) =>
      first ? [{ ...first, since: Math.max(earliest, first.madeAt - CLOCK_MS) }] : [],
    );
    if (firsts.length === 0) return [];
    const since = Math.min(...firsts.map((first) => first.since));
    if (!(await this.options.reader.hasChangedSince(since))) return [];
    const arrivals = [];
    for (const first of firsts) if (await this.isFirst(first)) arrivals.push(first);
    return arrivals;
  }

  /** Whether nobody of the user's server was in the room before. Members are not read for it: who came and went since is undone. */
  private async isFirst({ roomNid, userId, position }: Join): Promise<boolean> {
    const server = serverNameOf(userId);
    const { count, position: countedAt } = await this.options.sharing.usersIn(roomNid, server, position);
    const before = position - 1;
    // They are gone again.
    if (count === 0) return false;
    const changes = await this.options.events.roomChanges(roomNid, before, countedAt);
    const ofServer = changes.filter((change) => change.userId && serverNameOf(change.userId) === server);
    const came = joinsIn(ofServer).length;
    const left = joinsIn(
      ofServer.map((change) => ({ ...change, before: change.after, after: change.before })),
    );
    return count - came + left.length <= 0;
  }
}
