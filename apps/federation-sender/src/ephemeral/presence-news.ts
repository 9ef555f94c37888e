import {
  type OutgoingPresenceReader,
  type PresenceReader,
  type RoomServersChange,
  type UserPresence,
} from '@atoll/database';
import { type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import { type Join, joinsIn } from '../routing/joins-in.js';
import type { PresenceNotice } from '../sending/edu-queue.js';

const BATCH = 200;
/** Of one user: who is in more rooms is told of to the servers in those entered last. */
const MAX_ROOMS = 500;
/** Of one room, to a server that joins it. */
const MAX_MEMBERS = 500;
const MAX_JOINS = 1_000;
/** A server whose users join a room one after the other is told of those in it once in so long. */
const TOLD_FOR_MS = 10 * 60_000;
/** Other servers take somebody to be gone of whom they hear nothing for half an hour. */
const REPEAT_MS = 20 * 60_000;

export interface PresenceNewsOptions {
  readonly changes: OutgoingPresenceReader;
  readonly presence: Pick<PresenceReader, 'of' | 'notOffline'>;
  readonly serverName: ServerName;
  /** The other servers in a room that may be sent something. */
  readonly serversIn: (roomNid: number) => Promise<readonly ServerName[]>;
  readonly send: (destinations: readonly ServerName[], notices: readonly PresenceNotice[]) => Promise<void>;
}

/**
 * Whose presence other servers are told: that of local users, to the servers with which they share a room, when it changes, when one
 * of the two comes into the room, and now and then while they are not offline.
 * @see https://spec.matrix.org/v1.19/server-server-api/#presence
 */
export class PresenceNews {
  #position: number | undefined;
  #joins: Join[] = [];
  /** Rooms, each with a server that was told of those in it. */
  readonly #told = new LRUCache<string, true>({ max: 10_000, ttl: TOLD_FOR_MS });
  #repeatAt = performance.now() + REPEAT_MS;
  /** The user after whom the repetition goes on, while there is one under way. */
  #repeated: UserId | '' | undefined;

  constructor(private readonly options: PresenceNewsOptions) {}

  /** @param position of the end of the stream */
  start(position: number): void {
    this.#position = position;
  }

  /**
   * Takes note of who joins a room. The oldest make room: they are told with the next change.
   * @returns whether anybody does
   */
  noteJoins(changes: readonly RoomServersChange[]): boolean {
    const joins = joinsIn(changes);
    this.#joins = [...this.#joins, ...joins].slice(-MAX_JOINS);
    return joins.length > 0;
  }

  /** Tells what there is to tell. @returns whether there may be more */
  async tell(now = performance.now()): Promise<boolean> {
    for (let join = this.#joins.shift(); join !== undefined; join = this.#joins.shift()) {
      await this.#tellOfJoin(join);
    }
    const isMore = await this.#tellChanges();
    await this.#repeat(now);
    return isMore;
  }

  async #tellChanges(): Promise<boolean> {
    if (this.#position === undefined) return false;
    const changes = await this.options.changes.changes(this.#position, BATCH);
    await this.#tellOf(changes.filter(({ isLocal }) => isLocal));
    this.#position = changes.at(-1)?.position ?? this.#position;
    return changes.length >= BATCH;
  }

  /** A page at a time, so that many users do not hold up the news. */
  async #repeat(now: number): Promise<void> {
    if (now >= this.#repeatAt) {
      this.#repeatAt = now + REPEAT_MS;
      this.#repeated = '';
    }
    if (this.#repeated === undefined) return;
    const page = await this.options.presence.notOffline({ isLocal: true, after: this.#repeated }, BATCH);
    await this.#tellOf(page);
    this.#repeated = page.length < BATCH ? undefined : page.at(-1)?.userId;
  }

  async #tellOf(users: readonly UserPresence[]): Promise<void> {
    if (users.length === 0) return;
    const { changes, serversIn, send } = this.options;
    const rooms = await changes.roomsOf(
      users.map(({ userId }) => userId),
      MAX_ROOMS,
    );
    const roomNids = [...new Set(rooms.map(({ roomNid }) => roomNid))];
    const servers = new Map(
      await Promise.all(roomNids.map(async (roomNid) => [roomNid, await serversIn(roomNid)] as const)),
    );
    const byUser = Map.groupBy(rooms, ({ userId }) => userId);
    for (const user of users) {
      const ofUser = (byUser.get(user.userId) ?? []).flatMap(({ roomNid }) => servers.get(roomNid) ?? []);
      if (ofUser.length > 0) await send([...new Set(ofUser)], [noticeOf(user)]);
    }
  }

  /** The servers in the room hear of a local user who comes; the server of another hears of those who are there. */
  async #tellOfJoin({ roomNid, userId }: Join): Promise<void> {
    const { changes, presence, serversIn, send, serverName } = this.options;
    const server = serverNameOf(userId);
    if (server === serverName) {
      const user = await presence.of(userId);
      if (user === undefined || user.presence === 'offline') return;
      await send(await serversIn(roomNid), [noticeOf(user)]);
      return;
    }
    const key = `${roomNid} ${server}`;
    if (this.#told.has(key)) return;
    this.#told.set(key, true);
    if (!(await serversIn(roomNid)).includes(server)) return;
    const members = await changes.localIn(roomNid, MAX_MEMBERS);
    if (members.length > 0) await send([server], members.map(noticeOf));
  }
}

function noticeOf({
  userId,
  presence,
  statusMsg,
  lastActiveTs,
  currentlyActive,
}: UserPresence): PresenceNotice {
  return { type: 'm.presence', userId, presence, statusMsg, lastActiveTs, currentlyActive };
}
