import { randomBytes } from 'node:crypto';

/** Of the envelope of an event of room version 12, roughly; the rest is filler. */
const NAMES =
  '{"auth_events":[],"content":{"body":"","msgtype":"m.text"},"depth":1,"hashes":{},"type":"m.room.message"}';

/** The columns of a batch, as a statement with `unnest` takes them. */
export interface EventRows {
  readonly eventNids: number[];
  readonly eventIds: string[];
  readonly roomNids: number[];
  readonly json: string[];
  readonly transactionIds: string[];
  /** Each room of the batch once, with its newest event. */
  readonly heads: { roomNids: number[]; extremities: string[]; depths: number[] };
}

/** Makes rows that are as long as those of message events and as random where those are. */
export class EventRowSource {
  private readonly filler: string;
  private made = 0;

  /** @param firstNid of a range that no other source has, and likewise `firstRoom` */
  constructor(
    private readonly firstNid: number,
    private readonly firstRoom: number,
    private readonly rooms: number,
    jsonBytes: number,
  ) {
    this.filler = 'x'.repeat(Math.max(0, jsonBytes - NAMES.length - 44));
  }

  next(count: number): EventRows {
    const rows: EventRows = {
      eventNids: [],
      eventIds: [],
      roomNids: [],
      json: [],
      transactionIds: [],
      heads: { roomNids: [], extremities: [], depths: [] },
    };
    const newest = new Map<number, number>();
    for (let index = 0; index < count; index += 1) {
      const number = (this.made += 1);
      const eventNid = this.firstNid + number;
      const roomNid = this.firstRoom + (number % this.rooms);
      const eventId = `$${randomBytes(32).toString('base64url')}`;
      rows.eventNids.push(eventNid);
      rows.eventIds.push(eventId);
      rows.roomNids.push(roomNid);
      rows.json.push(NAMES.replace('"body":"', `"body":"${eventId}${this.filler}`));
      rows.transactionIds.push(`t${eventNid}`);
      newest.set(roomNid, eventNid);
    }
    for (const [roomNid, eventNid] of newest) {
      rows.heads.roomNids.push(roomNid);
      rows.heads.extremities.push(String(eventNid));
      rows.heads.depths.push(this.made);
    }
    return rows;
  }
}
