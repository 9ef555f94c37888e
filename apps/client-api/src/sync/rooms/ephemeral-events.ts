import {
  type Receipt,
  ReceiptReader,
  type RoomTyping,
  type StreamPositions,
  TypingReader,
} from '@atoll/database';
import type { EventId, JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { SyncRequest } from '../sync-request.js';
import type { RoomPlan } from './room-plan.js';
import type { SectionContext } from './room-sections.js';

/** Rooms of which the receipts since a position are wanted. */
export interface ReceiptRange {
  readonly roomNids: readonly number[];
  readonly from: number;
}

/** Rooms of which the receipts at some events are wanted. */
export interface ReceiptsAt {
  readonly roomNids: readonly number[];
  readonly eventIds: readonly EventId[];
}

/** The events of rooms that are in no timeline: who types, and how far everybody has read. */
@Injectable()
export class EphemeralEvents {
  constructor(
    private readonly receipts: ReceiptReader,
    private readonly typing: TypingReader,
  ) {}

  /** The joined rooms in which some of it changed since the last sync. Asks nothing when nothing changed anywhere. */
  async changedRooms(
    request: SyncRequest,
    joinedRooms: readonly number[],
    to: StreamPositions,
  ): Promise<Set<number>> {
    const { since, filter } = request;
    if (since === undefined) return new Set();
    const [receipts, typing] = await Promise.all([
      since.receipts < to.receipts ? this.roomsWithReceipts(request, joinedRooms, since, to) : [],
      filter.ephemeral.matchesType('m.typing') && since.typing < to.typing
        ? this.typing.changes(joinedRooms, since.typing, to.typing)
        : [],
    ]);
    return new Set([...receipts, ...typing.map(({ roomNid }) => roomNid)]);
  }

  /** The user's own count in any case, for they change what is unread. */
  private roomsWithReceipts(
    { userId, filter }: SyncRequest,
    joinedRooms: readonly number[],
    since: StreamPositions,
    to: StreamPositions,
  ): Promise<Set<number>> {
    return filter.ephemeral.matchesType('m.receipt')
      ? this.receipts.changedRooms(userId, joinedRooms, since.receipts, to.receipts)
      : this.receipts.readRooms(userId, joinedRooms, since.receipts, to.receipts);
  }

  /** By room: what changed since the last sync; in a room that is new to the client, all there is. */
  async load(
    { request, to, ignored }: SectionContext,
    plans: readonly RoomPlan[],
  ): Promise<Map<number, JsonObject[]>> {
    const { userId, since, filter } = request;
    const joined = plans.filter(
      ({ section, roomId }) => section === 'join' && filter.ephemeral.matchesRoom(roomId),
    );
    const fresh = joined.filter(({ isNew }) => isNew).map(({ roomNid }) => roomNid);
    const known = joined.filter(({ isNew }) => !isNew).map(({ roomNid }) => roomNid);
    const ranges = [
      { rooms: fresh, from: { receipts: 0, typing: 0 } },
      { rooms: known, from: since ?? { receipts: 0, typing: 0 } },
    ].filter(({ rooms }) => rooms.length > 0);
    const nothing = Promise.resolve(new Map<number, JsonObject>());
    const found = await Promise.all(
      ranges.flatMap(({ rooms, from }) => [
        filter.ephemeral.matchesType('m.typing')
          ? this.typingIn(rooms, from.typing, to.typing, ignored)
          : nothing,
        filter.ephemeral.matchesType('m.receipt')
          ? this.receiptsIn(userId, rooms, { from: from.receipts, to: to.receipts }, ignored)
          : nothing,
      ]),
    );
    const events = new Map<number, JsonObject[]>();
    for (const [roomNid, event] of found.flatMap((ofRooms) => [...ofRooms])) {
      events.set(roomNid, [...(events.get(roomNid) ?? []), event]);
    }
    return events;
  }

  /** Who types in the rooms in which that changed; with `from` 0, in those in which somebody does. */
  async typingIn(
    roomNids: readonly number[],
    from: number,
    to: number,
    ignored: ReadonlySet<string>,
  ): Promise<Map<number, JsonObject>> {
    if (roomNids.length === 0 || from >= to) return new Map();
    const changes = await this.typing.changes(roomNids, from, to);
    // A client that knows nothing of the room takes nobody to be typing.
    const told = from === 0 ? changes.filter(({ users }) => users.size > 0) : changes;
    return new Map(told.map((room) => [room.roomNid, typingEvent(room, ignored)]));
  }

  /** How far everybody has read in the rooms in which that changed, all of a room in one event. */
  async receiptsIn(
    reader: UserId,
    roomNids: readonly number[],
    { from, to }: { readonly from: number; readonly to: number },
    ignored: ReadonlySet<string>,
  ): Promise<Map<number, JsonObject>> {
    if (roomNids.length === 0 || from >= to) return new Map();
    return receiptEvents(await this.receipts.changes(reader, roomNids, from, to), ignored);
  }

  /**
   * Of some rooms what changed, of others only the receipts at some events and the reader's own, however old; a room may be among
   * both. All of a room in one event.
   */
  async receiptsOf(
    reader: UserId,
    { changed, at }: { readonly changed: ReceiptRange; readonly at: ReceiptsAt },
    to: number,
    ignored: ReadonlySet<string>,
  ): Promise<Map<number, JsonObject>> {
    const { roomNids, from } = changed;
    const found = await Promise.all([
      this.receipts.atEvents(reader, at.roomNids, at.eventIds, to),
      roomNids.length > 0 && from < to ? this.receipts.changes(reader, roomNids, from, to) : [],
    ]);
    return receiptEvents(found.flat(), ignored);
  }
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#mtyping */
function typingEvent({ users }: RoomTyping, ignored: ReadonlySet<string>): JsonObject {
  return { type: 'm.typing', content: { user_ids: [...users.keys()].filter((user) => !ignored.has(user)) } };
}

function receiptEvents(receipts: readonly Receipt[], ignored: ReadonlySet<string>): Map<number, JsonObject> {
  const shown = receipts.filter(({ userId }) => !ignored.has(userId));
  const byRoom = Map.groupBy(shown, ({ roomNid }) => roomNid);
  return new Map(Array.from(byRoom, ([roomNid, ofRoom]) => [roomNid, receiptEvent(ofRoom)]));
}

/**
 * All of a room in one event. It has room for one receipt of a user at an event: the unthreaded one says more.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mreceipt
 */
function receiptEvent(receipts: readonly Receipt[]): JsonObject {
  const content: Record<string, Record<string, Record<string, JsonObject>>> = {};
  for (const { eventId, type, userId, threadId, ts } of receipts) {
    const users = ((content[eventId] ??= {})[type] ??= {});
    if (threadId === '') users[userId] = { ts };
    else users[userId] ??= { ts, thread_id: threadId };
  }
  return { type: 'm.receipt', content };
}
