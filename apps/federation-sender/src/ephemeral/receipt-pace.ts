import type { OutgoingReceipt } from '@atoll/database';

/** A server in a room is sent the room's receipts that seldom for each server in it, ms: one that has a thousand gets them every 20 s. */
const MS_PER_SERVER = 20;
/** Of one room. */
const MAX_WAITING = 1_000;

interface Room {
  readonly receipts: Map<string, OutgoingReceipt>;
  dueAt: number;
}

/** Gathers receipts of a room, the longer the more servers are in it: everybody in a large room reads what is said at once. */
export class ReceiptPace {
  readonly #rooms = new Map<number, Room>();

  get isEmpty(): boolean {
    return this.#rooms.size === 0;
  }

  add(receipt: OutgoingReceipt, now: number): void {
    let room = this.#rooms.get(receipt.roomNid);
    if (room === undefined) this.#rooms.set(receipt.roomNid, (room = { receipts: new Map(), dueAt: now }));
    if (room.receipts.size < MAX_WAITING) room.receipts.set(`${receipt.userId} ${receipt.threadId}`, receipt);
  }

  /** Takes out the rooms whose turn it is, each with what has gathered. */
  take(now: number): [roomNid: number, OutgoingReceipt[]][] {
    const due: [number, OutgoingReceipt[]][] = [];
    for (const [roomNid, room] of this.#rooms) {
      if (room.dueAt > now) continue;
      if (room.receipts.size > 0) due.push([roomNid, [...room.receipts.values()]]);
      // It has been quiet since its last turn.
      else this.#rooms.delete(roomNid);
      room.receipts.clear();
    }
    return due;
  }

  /** The room was sent to so many servers: it rests. */
  rest(roomNid: number, servers: number, now: number): void {
    const room = this.#rooms.get(roomNid);
    if (room !== undefined) room.dueAt = now + servers * MS_PER_SERVER;
  }
}
