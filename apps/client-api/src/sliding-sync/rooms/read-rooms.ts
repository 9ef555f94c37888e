import { ReceiptReader } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { MatchedRoom } from '../list/match-rooms.js';
import type { ConnectionMemory } from '../memory/connection-memory.js';
import { type SlidingContext, tellsCounts } from '../sliding-context.js';

/** Finds the rooms in which the user has read further than the client knows: what is unread there is less, though nothing happened. */
@Injectable()
export class ReadRooms {
  constructor(private readonly receipts: ReceiptReader) {}

  /** Of the joined rooms that the client knows; none when it is told no counts. A room may be among them again. */
  async load(
    { request, since, to }: SlidingContext,
    matches: Iterable<MatchedRoom>,
    memory: ConnectionMemory,
  ): Promise<Set<number>> {
    if (!tellsCounts(request) || since === undefined) return new Set();
    let from = since.receipts;
    const roomNids: number[] = [];
    for (const { membership } of matches) {
      const known = memory.rooms.get(membership.roomNid);
      if (known === undefined || membership.membership !== 'join') continue;
      roomNids.push(membership.roomNid);
      from = Math.min(from, (known.told ?? since).receipts);
    }
    if (roomNids.length === 0 || from >= to.receipts) return new Set();
    return this.receipts.readRooms(request.userId, roomNids, from, to.receipts);
  }
}
