import { ReceiptsChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  type EventPlaceReader,
  type InboundRoomReader,
  type NewReceipt,
  ReceiptTransactor,
} from '@atoll/database';
import {
  type EventId,
  isEventId,
  isJsonObject,
  type JsonObject,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';

/** Of one transaction. */
const MAX_RECEIPTS = 1_000;
/** Events that one receipt may name: the ends of what its user has read. */
const MAX_EVENTS = 20;

interface NamedReceipt {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly threadId: string;
  readonly eventIds: readonly EventId[];
  readonly ts: number;
}

/** Takes in how far users of other servers have read. */
export class ReceiptIntake {
  constructor(
    private readonly database: Database,
    private readonly rooms: InboundRoomReader,
    private readonly places: EventPlaceReader,
    private readonly announcer: Announcer,
  ) {}

  /**
   * Of users that are in the room, in the right form; the others are left out.
   * @param contents of admitted `m.receipt` EDUs, in their order
   * @param rooms the numbers of the rooms that they name
   * @see https://spec.matrix.org/v1.19/server-server-api/#receipts
   */
  async take(contents: readonly JsonObject[], rooms: ReadonlyMap<RoomId, number>): Promise<void> {
    const named = contents.flatMap(readReceipts).slice(0, MAX_RECEIPTS);
    if (named.length === 0) return;
    const [joined, places] = await Promise.all([
      this.rooms.joined(
        named.map(({ roomId }) => roomId),
        named.map(({ userId }) => userId),
      ),
      this.places.of(named.flatMap(({ eventIds }) => eventIds)),
    ]);
    const receipts = new Map<string, NewReceipt>();
    for (const { roomId, userId, threadId, eventIds, ts } of named) {
      const roomNid = rooms.get(roomId);
      if (roomNid === undefined || !joined(roomId, userId)) continue;
      const known = eventIds.filter((eventId) => places.get(eventId)?.roomNid === roomNid);
      const place = (eventId: EventId) => places.get(eventId)?.position ?? -Infinity;
      const eventId = known.toSorted((a, b) => place(b) - place(a))[0] ?? eventIds[0];
      // An event of another room is never the event of a receipt in this one.
      if (eventId === undefined || (places.has(eventId) && known.length === 0)) continue;
      const eventPosition = places.get(eventId)?.position ?? null;
      receipts.set(JSON.stringify([roomNid, userId, threadId]), {
        roomNid,
        userId,
        type: 'm.read',
        threadId,
        eventId,
        eventPosition,
        ts,
      });
    }
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([...receipts.values()]),
    );
    if (taken) this.announcer.publish(ReceiptsChanged, { position: taken.at(0) });
  }
}

/** The gate has looked at the rooms, the users and that each receipt is an object. */
function readReceipts(content: JsonObject): NamedReceipt[] {
  return Object.entries(content).flatMap(([roomId, types]) => {
    const users = isJsonObject(types) && isJsonObject(types['m.read']) ? types['m.read'] : {};
    return Object.entries(users).flatMap(([userId, receipt]): NamedReceipt[] => {
      const { data, event_ids } = receipt as JsonObject;
      const { ts, thread_id = '' } = isJsonObject(data) ? data : {};
      if (!Array.isArray(event_ids) || event_ids.length > MAX_EVENTS) return [];
      const eventIds = event_ids.filter(isEventId);
      if (eventIds.length === 0 || typeof ts !== 'number' || !Number.isSafeInteger(ts) || ts < 0) return [];
      if (thread_id !== '' && thread_id !== 'main' && !isEventId(thread_id)) return [];
      return [{ roomId: roomId as RoomId, userId: userId as UserId, threadId: thread_id, eventIds, ts }];
    });
  });
}
