import type { UserPresence } from '@atoll/database';
import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';

/** @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
export const MAX_EDUS = 100;
/** Users of whom one EDU tells the presence. */
const MAX_PUSHED = 50;
/** What waits for one destination; the oldest makes room. */
const MAX_WAITING = 1_000;
/** That somebody types is no news after so long, ms. */
const TYPING_IS_NEWS_MS = 20_000;

/** News of a local user that is in no timeline. A later one of the same takes the place of an earlier one. */
export type Notice = TypingNotice | ReceiptNotice | PresenceNotice;

export interface TypingNotice {
  readonly type: 'm.typing';
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly typing: boolean;
}

export interface ReceiptNotice {
  readonly type: 'm.receipt';
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** '' for an unthreaded one. */
  readonly threadId: string;
  readonly eventId: EventId;
  readonly ts: number;
}

export interface PresenceNotice extends UserPresence {
  readonly type: 'm.presence';
}

interface Waiting {
  readonly notice: Notice;
  /** By this process's clock, ms. */
  readonly since: number;
}

/** Notices that wait for one destination. They are in memory only: nobody misses them for long. */
export class EduQueue {
  readonly #waiting = new Map<string, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  add(notices: readonly Notice[], now = performance.now()): void {
    for (const notice of notices) {
      const key = keyOf(notice);
      this.#waiting.delete(key);
      this.#waiting.set(key, { notice, since: now });
    }
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= MAX_WAITING) return;
      this.#waiting.delete(key);
    }
  }

  /** Takes out what fits into one transaction, as EDUs. @param limit how many EDUs it has room for */
  take(now = performance.now(), limit = MAX_EDUS): JsonObject[] {
    const edus: JsonObject[] = [];
    const receipts: ReceiptEdu[] = [];
    const presence: PresenceNotice[] = [];
    const isFull = () => edus.length + receipts.length + Math.ceil(presence.length / MAX_PUSHED) >= limit;
    for (const [key, { notice, since }] of this.#waiting) {
      if (notice.type === 'm.typing') {
        if (isFull()) break;
        this.#waiting.delete(key);
        if (!notice.typing || now - since < TYPING_IS_NEWS_MS) edus.push(typingEdu(notice));
        continue;
      }
      if (notice.type === 'm.presence') {
        if (presence.length % MAX_PUSHED === 0 && isFull()) break;
        this.#waiting.delete(key);
        presence.push(notice);
        continue;
      }
      let edu = receipts.find((one) => one.fits(notice));
      if (edu === undefined) {
        if (isFull()) break;
        receipts.push((edu = new ReceiptEdu()));
      }
      this.#waiting.delete(key);
      edu.add(notice);
    }
    for (let i = 0; i < presence.length; i += MAX_PUSHED) {
      edus.push(presenceEdu(presence.slice(i, i + MAX_PUSHED)));
    }
    return [...edus, ...receipts.map((receipt) => receipt.toEdu())];
  }
}

function keyOf(notice: Notice): string {
  if (notice.type === 'm.presence') return JSON.stringify([notice.type, notice.userId]);
  const { type, roomId, userId } = notice;
  return JSON.stringify([type, roomId, userId, type === 'm.receipt' ? notice.threadId : '']);
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications */
function typingEdu({ roomId, userId, typing }: TypingNotice): JsonObject {
  return { edu_type: 'm.typing', content: { room_id: roomId, user_id: userId, typing } };
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#presence */
function presenceEdu(notices: readonly PresenceNotice[]): JsonObject {
  const now = Date.now();
  const push = notices.map(({ userId, presence, statusMsg, lastActiveTs, currentlyActive }): JsonObject => {
    return {
      user_id: userId,
      presence,
      last_active_ago: Math.max(0, now - lastActiveTs),
      ...(statusMsg !== null && { status_msg: statusMsg }),
      ...(presence === 'online' && { currently_active: currentlyActive }),
    };
  });
  return { edu_type: 'm.presence', content: { push } };
}

/**
 * Receipts of any number of rooms, but one of each user in a room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#receipts
 */
class ReceiptEdu {
  readonly #rooms = new Map<RoomId, Map<UserId, ReceiptNotice>>();

  fits({ roomId, userId }: ReceiptNotice): boolean {
    return this.#rooms.get(roomId)?.has(userId) !== true;
  }

  add(receipt: ReceiptNotice): void {
    const users = this.#rooms.get(receipt.roomId) ?? new Map<UserId, ReceiptNotice>();
    this.#rooms.set(receipt.roomId, users.set(receipt.userId, receipt));
  }

  toEdu(): JsonObject {
    const rooms = Array.from(this.#rooms, ([roomId, users]) => {
      const read = Array.from(users, ([userId, { ts, threadId, eventId }]) => {
        const data = { ts, ...(threadId !== '' && { thread_id: threadId }) };
        return [userId, { data, event_ids: [eventId] }];
      });
      return [roomId, { 'm.read': Object.fromEntries(read) as JsonObject }];
    });
    return { edu_type: 'm.receipt', content: Object.fromEntries(rooms) as JsonObject };
  }
}
