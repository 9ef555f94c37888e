import type { OutgoingTyping, RoomTyping } from '@atoll/database';
import { type RoomId, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import type { TypingNotice } from '../sending/edu-queue.js';

/** What other servers were told of who types, and so what they are to be told next. */
export class LocalTyping {
  readonly #rooms = new Map<number, { readonly roomId: RoomId; users: ReadonlySet<UserId> }>();

  constructor(private readonly serverName: ServerName) {}

  /** The rooms in which local users type. */
  get rooms(): number[] {
    return [...this.#rooms.keys()];
  }

  /** The local users who began or stopped typing since the last look. */
  change({ roomNid, roomId, users }: OutgoingTyping): TypingNotice[] {
    const before = this.#rooms.get(roomNid)?.users ?? new Set();
    const now = this.#localOf(users);
    this.#keep(roomNid, roomId, now);
    return [
      ...[...now.difference(before)].map((userId) => noticeOf(roomId, userId, true)),
      ...[...before.difference(now)].map((userId) => noticeOf(roomId, userId, false)),
    ];
  }

  /** Those who type still: other servers forget who is not repeated. */
  repeat({ roomNid, users }: RoomTyping): TypingNotice[] {
    const known = this.#rooms.get(roomNid);
    if (known === undefined) return [];
    const now = this.#localOf(users).intersection(known.users);
    this.#keep(roomNid, known.roomId, now);
    return [...now].map((userId) => noticeOf(known.roomId, userId, true));
  }

  #localOf(users: ReadonlyMap<UserId, number>): Set<UserId> {
    return new Set([...users.keys()].filter((userId) => serverNameOf(userId) === this.serverName));
  }

  #keep(roomNid: number, roomId: RoomId, users: ReadonlySet<UserId>): void {
    if (users.size === 0) this.#rooms.delete(roomNid);
    else this.#rooms.set(roomNid, { roomId, users });
  }
}

function noticeOf(roomId: RoomId, userId: UserId, typing: boolean): TypingNotice {
  return { type: 'm.typing', roomId, userId, typing };
}
