import { AccountDataReader, ReceiptReader, TypingReader } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { RoomLists } from '../list/room-list.js';
import { type SlidingContext, tellsCounts } from '../sliding-context.js';
import { type ConnectionMemory, EXTENSION } from './connection-memory.js';

/** Finds what happened in rooms that the client knows, and that an answer does not tell. */
@Injectable()
export class QuietChanges {
  constructor(
    private readonly receipts: ReceiptReader,
    private readonly typing: TypingReader,
    private readonly accountData: AccountDataReader,
  ) {}

  /** The rooms but those that are `told`, of which the client knows everything up to `since`, in which anything happened after it. */
  async inRooms(
    { request, since, to }: SlidingContext,
    memory: ConnectionMemory,
    { all }: RoomLists,
    told: { has: (roomNid: number) => boolean },
  ): Promise<number[]> {
    const roomNids = Array.from(memory.rooms).flatMap(([roomNid, room]) =>
      room.told === undefined && !told.has(roomNid) ? [roomNid] : [],
    );
    if (since === undefined || roomNids.length === 0) return [];
    const { userId } = request;
    const having = (extension: number) =>
      roomNids.filter((roomNid) => ((memory.rooms.get(roomNid)?.extensions ?? 0) & extension) !== 0);
    const annotated = new Set(having(EXTENSION.accountData));
    const [receipts, read, typing, entries] = await Promise.all([
      since.receipts < to.receipts
        ? this.receipts.changedRooms(userId, having(EXTENSION.receipts), since.receipts, to.receipts)
        : new Set<number>(),
      since.receipts < to.receipts && tellsCounts(request)
        ? this.receipts.readRooms(userId, roomNids, since.receipts, to.receipts)
        : new Set<number>(),
      since.typing < to.typing ? this.typing.changes(having(EXTENSION.typing), since.typing, to.typing) : [],
      since.account_data < to.account_data && annotated.size > 0
        ? this.accountData.changes(userId, since.account_data, to.account_data)
        : [],
    ]);
    const typedIn = new Set(typing.map(({ roomNid }) => roomNid));
    const noted = new Set<string>(entries.map(({ roomId }) => roomId));
    const isNoted = (roomNid: number) => noted.has(all.get(roomNid)?.membership.roomId ?? '');
    const isActive = (roomNid: number) => (all.get(roomNid)?.activity ?? 0) > since.events;
    return roomNids.filter(
      (roomNid) =>
        isActive(roomNid) ||
        receipts.has(roomNid) ||
        read.has(roomNid) ||
        typedIn.has(roomNid) ||
        (annotated.has(roomNid) && isNoted(roomNid)),
    );
  }
}
