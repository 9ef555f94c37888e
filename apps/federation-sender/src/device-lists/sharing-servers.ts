import type { IndexProgressReader, OutgoingPresenceReader } from '@atoll/database';
import type { ServerName, UserId } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import type { StreamRouter, UsersInRoom } from '../routing/stream-router.js';

/** Nobody is in as many: it is what a query may cost at most. */
const MAX_ROOMS = 20_000;
/** Asked for at once: the router goes on with events in between. */
const ROOMS_AT_ONCE = 50;
const LATELY_MS = 10_000;
const MAX_LATELY = 10_000;

/** Which other servers share rooms with local users. Nobody may be missed: who is not told of a change never hears of it. */
export class SharingServers {
  readonly #lately = new LRUCache<UserId, ReadonlySet<ServerName>>({ max: MAX_LATELY, ttl: LATELY_MS });

  constructor(
    private readonly rooms: Pick<OutgoingPresenceReader, 'roomsOf'>,
    private readonly progress: Pick<IndexProgressReader, 'newestPosition'>,
    private readonly router: Pick<StreamRouter, 'allServersIn' | 'usersIn'>,
  ) {}

  /**
   * As of now, of each user.
   * @throws NotOwnerError while this instance has no partition
   */
  async of(userIds: readonly UserId[]): Promise<Map<UserId, ReadonlySet<ServerName>>> {
    const sharing = await this.find(userIds);
    for (const [userId, servers] of sharing) this.#lately.set(userId, servers);
    return sharing;
  }

  /**
   * As the last {@link of} said if that was a few seconds ago, else as of now: nobody is missed to whom a change was routed by that, and
   * a thousand destinations ask once.
   */
  async lately(userIds: readonly UserId[]): Promise<Map<UserId, ReadonlySet<ServerName>>> {
    const known = userIds.flatMap((userId) => {
      const servers = this.#lately.get(userId);
      return servers ? [[userId, servers] as const] : [];
    });
    const isKnown = new Set(known.map(([userId]) => userId));
    const rest = userIds.filter((userId) => !isKnown.has(userId));
    // Not kept: it may have begun before a later one of the router.
    return new Map([...known, ...(rest.length > 0 ? await this.find(rest) : [])]);
  }

  /** The servers in one room, as of now. @throws NotOwnerError as {@link of} */
  async inRoom(roomNid: number): Promise<readonly ServerName[]> {
    return this.router.allServersIn(roomNid, await this.progress.newestPosition());
  }

  /** How many users of a server are in a room, at the position at least. @throws NotOwnerError as {@link of} */
  usersIn(roomNid: number, server: ServerName, notBefore: number): Promise<UsersInRoom> {
    return this.router.usersIn(roomNid, server, notBefore);
  }

  private async find(userIds: readonly UserId[]): Promise<Map<UserId, ReadonlySet<ServerName>>> {
    const rooms = await this.rooms.roomsOf(userIds, MAX_ROOMS);
    const notBefore = await this.progress.newestPosition();
    const servers = new Map<number, readonly ServerName[]>();
    const roomNids = [...new Set(rooms.map((room) => room.roomNid))];
    for (let i = 0; i < roomNids.length; i += ROOMS_AT_ONCE) {
      const some = roomNids.slice(i, i + ROOMS_AT_ONCE);
      const found = await Promise.all(some.map((roomNid) => this.router.allServersIn(roomNid, notBefore)));
      for (const [index, roomNid] of some.entries()) servers.set(roomNid, found[index] ?? []);
    }
    const sharing = new Map(userIds.map((userId) => [userId, new Set<ServerName>()]));
    for (const { userId, roomNid } of rooms) {
      for (const server of servers.get(roomNid) ?? []) sharing.get(userId)?.add(server);
    }
    return sharing;
  }
}
