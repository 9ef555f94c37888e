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

/** A join, and since when changes of lists count for it; ms since 1970. */
interface Arrival extends Join {
  readonly since: number;
}

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

  /**
   * By server.
   * @param isDue whether a server may still have to be told of what happened at a position
   */
  async of(
    joins: readonly Join[],
    isDue: (server: ServerName, position: number) => boolean,
  ): Promise<Map<ServerName, Introduction[]>> {
    const { serverName } = this.options;
    const introductions = new Map<ServerName, Introduction[]>();
    const add = (destination: ServerName, userId: UserId, position: number) => {
      if (!isDue(destination, position)) return;
      const ofServer = introductions.get(destination);
      if (ofServer) ofServer.push({ userId, position });
      else introductions.set(destination, [{ userId, position }]);
    };
    const isOurs = ({ userId }: Join) => serverNameOf(userId) === serverName;
    const placeOf = ({ roomNid, position }: Join) => `${roomNid} ${position}`;
    const ours = joins.filter(isOurs);
    for (const join of ours) {
      for (const server of await this.serversMetIn(join)) add(server, join.userId, join.position);
    }
    // Those who are told with our own join have been there all the time.
    const joined = new Set(ours.map(placeOf));
    const theirs = joins.filter(
      (join) =>
        !isOurs(join) && !joined.has(placeOf(join)) && isDue(serverNameOf(join.userId), join.position),
    );
    for (const [roomNid, arrivals] of await this.arrivals(theirs)) {
      const since = Math.min(...arrivals.map((arrival) => arrival.since));
      const changed = await this.options.reader.changedIn(roomNid, since);
      for (const { userId, position } of arrivals) {
        for (const each of changed) add(serverNameOf(userId), each, position);
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

  /** The joins by which servers came into rooms, by room, where lists changed since. */
  private async arrivals(joins: readonly Join[]): Promise<Map<number, Arrival[]>> {
    const [now, arrivals] = [Date.now(), new Map<number, Arrival[]>()];
    const byServer = Map.groupBy(joins, ({ roomNid, userId }) => `${roomNid} ${serverNameOf(userId)}`);
    const firsts = [...byServer.values()].flatMap((ofServer) => {
      const madeAt = Math.min(now, ...ofServer.map((join) => join.madeAt));
      const since = Math.max(now - MAX_LATE_MS, madeAt - CLOCK_MS);
      return ofServer.slice(0, 1).map((first) => ({ ...first, since }));
    });
    if (firsts.length === 0) return arrivals;
    const since = Math.min(...firsts.map((first) => first.since));
    if (!(await this.options.reader.hasChangedSince(since))) return arrivals;
    for (const [roomNid, ofRoom] of Map.groupBy(firsts, (first) => first.roomNid)) {
      const found = await this.firstOfTheirServers(roomNid, ofRoom);
      if (found.length > 0) arrivals.set(roomNid, found);
    }
    return arrivals;
  }

  /** Those before whom nobody of their server was in the room. Members are not read for it: who came and went since is undone. */
  private async firstOfTheirServers(roomNid: number, joins: readonly Arrival[]): Promise<Arrival[]> {
    const present = [];
    for (const join of joins) {
      const server = serverNameOf(join.userId);
      const { count, position } = await this.options.sharing.usersIn(roomNid, server, join.position);
      // The others are gone again.
      if (count > 0) present.push({ join, server, count, countedAt: position });
    }
    if (present.length === 0) return [];
    const from = Math.min(...present.map(({ join }) => join.position)) - 1;
    const to = Math.max(...present.map(({ countedAt }) => countedAt));
    const changes = await this.options.events.roomChanges(roomNid, from, to);
    const byServer = Map.groupBy(changes, ({ userId }) => (userId === null ? '' : serverNameOf(userId)));
    return present.flatMap(({ join, server, count, countedAt }) => {
      const since = (byServer.get(server) ?? []).filter(
        ({ position }) => position >= join.position && position <= countedAt,
      );
      const came = joinsIn(since).length;
      const left = joinsIn(
        since.map((change) => ({ ...change, before: change.after, after: change.before })),
      );
      return count - came + left.length <= 0 ? [join] : [];
    });
  }
}
