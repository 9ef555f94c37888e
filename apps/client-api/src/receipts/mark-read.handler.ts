import {
  AccountDataReader,
  EventReader,
  type NewReceipt,
  type RoomRecord,
  type StoredEvent,
} from '@atoll/database';
import { type EventId, invalidParam, isEventId, notFound, type RoomId, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { PutAccountDataHandler } from '../account-data/put-account-data.handler.js';
import { PresenceActivity } from '../presence/presence-activity.js';
import { RoomAccess } from '../rooms/access/room-access.js';
import { EventThread } from './event-thread.js';
import { ReceiptWriter } from './receipt-writer.js';

export type MarkerType = 'm.read' | 'm.read.private' | 'm.fully_read';

/** How far somebody has read, by one of the markers. */
export interface Marker {
  readonly type: MarkerType;
  readonly eventId: EventId;
  /** Of receipts: `main`, or the root of a thread; undefined for an unthreaded one. */
  readonly threadId?: string | undefined;
}

/** Sets receipts and the fully-read marker; both only ever go forward. */
@Injectable()
export class MarkReadHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly events: EventReader,
    private readonly threads: EventThread,
    private readonly writer: ReceiptWriter,
    private readonly accountData: AccountDataReader,
    private readonly putAccountData: PutAccountDataHandler,
    private readonly activity: PresenceActivity,
  ) {}

  /**
   * @throws MatrixError 403 unless joined, 404 for an event that is not in the room's timeline, 400 M_INVALID_PARAM for an event that is not
   * in the thread
   */
  async mark(userId: UserId, roomId: RoomId, markers: readonly Marker[]): Promise<void> {
    const room = await this.access.joined(userId, roomId);
    this.activity.bump(userId);
    const events = await this.events.byIds(markers.map(({ eventId }) => eventId));
    const ts = Date.now();
    const receipts: NewReceipt[] = [];
    let fullyRead: StoredEvent | undefined;
    for (const { type, eventId, threadId } of markers) {
      const event = events.get(eventId);
      if (event?.roomNid !== room.roomNid || event.position === null)
        throw notFound('There is no such event');
      if (type === 'm.fully_read') {
        fullyRead = event;
        continue;
      }
      if (threadId !== undefined && !(await this.threads.isIn(event, threadId))) {
        throw invalidParam('thread_id: the event is not in this thread');
      }
      receipts.push({
        roomNid: room.roomNid,
        userId,
        type,
        threadId: threadId ?? '',
        eventId,
        eventPosition: event.position,
        ts,
      });
    }
    if (receipts.length > 0) await this.writer.write(receipts);
    if (fullyRead !== undefined) await this.moveFullyRead(userId, room, fullyRead);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers */
  private async moveFullyRead(userId: UserId, { roomId }: RoomRecord, to: StoredEvent): Promise<void> {
    const outcome = { isMovedMeanwhile: false };
    do {
      const marker = await this.accountData.find(userId, roomId, 'm.fully_read');
      const before = marker?.['event_id'];
      const from = isEventId(before) ? (await this.events.byIds([before])).get(before)?.position : undefined;
      if ((from ?? -Infinity) >= (to.position ?? 0)) return;
      await this.putAccountData.update(userId, roomId, 'm.fully_read', (present) => {
        outcome.isMovedMeanwhile = present?.['event_id'] !== before;
        return outcome.isMovedMeanwhile ? undefined : { event_id: to.eventId };
      });
    } while (outcome.isMovedMeanwhile);
  }
}
