import {
  EventReader,
  isUpTo,
  pointAfter,
  pointAt,
  pointBefore,
  type RoomRecord,
  type StoredEvent,
  streamPositionAt,
} from '@atoll/database';
import { type EventId, type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type ServedEvent, type Viewer } from '../../events/client-events.js';
import { compileFilter } from '../../events/room-event-filter.js';
import { WantedEvents } from '../../events/wanted-events.js';
import { tokenOf } from '../access/pagination-token.js';
import { type ReadableRoom, RoomAccess } from '../access/room-access.js';
import { RoomStateEvents } from '../access/room-state.js';
import { SenderMembers } from '../access/sender-members.js';
import { OlderHistory } from '../get-room-events/older-history.js';
import type { GetEventContext } from './get-event-context.controller.js';

const FETCH_MS = 20_000;

/** What happened around an event. */
@Injectable()
export class GetEventContextHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly events: EventReader,
    private readonly older: OlderHistory,
    private readonly clientEvents: ClientEvents,
    private readonly wantedEvents: WantedEvents,
    private readonly states: RoomStateEvents,
    private readonly senders: SenderMembers,
  ) {}

  /**
   * 1. May the user read the room, and see the event?
   * 2. Half of the events from before it, half from after it, as far as they may be seen and are wanted. Where
   *    too few are here from before it, other servers are asked for more.
   * 3. The state at the last of them.
   * @throws MatrixError 403 for the room, 404 for the event
   */
  async handle(
    viewer: Viewer,
    roomId: RoomId,
    eventId: EventId,
    query: GetEventContext,
  ): Promise<JsonObject> {
    const readable = await this.access.readable(viewer.userId, roomId);
    const event = (await this.events.byIds([eventId])).get(eventId);
    const [served] = event?.roomId === roomId ? await this.clientEvents.serve(viewer, [event]) : [];
    if (served === undefined) throw notFound('There is no such event, or you may not see it');
    const around = await this.eventsAround(viewer, readable, served.event, query);
    const last = around.after.at(-1)?.event ?? served.event;
    const first = around.before.at(-1)?.event ?? served.event;
    const shown = [...around.before, served, ...around.after];
    return {
      start: tokenOf(pointBefore(first)),
      end: tokenOf(pointAfter(last)),
      event: served.body,
      events_before: around.before.map(({ body }) => body),
      events_after: around.after.map(({ body }) => body),
      state: this.clientEvents.serveState(
        viewer,
        await this.state(readable, streamPositionAt(pointAfter(last)), query, shown),
      ),
    };
  }

  private async eventsAround(
    viewer: Viewer,
    { room, until }: ReadableRoom,
    event: StoredEvent,
    { limit, filter }: GetEventContext,
  ) {
    const before = Math.floor(limit / 2);
    const found = await this.read(room, event, { before, after: limit - before });
    const wantedOf = await this.wantedEvents.of(viewer, filter);
    const serve = async (events: StoredEvent[]) => {
      const readable = events.filter(
        (event) => until === undefined || isUpTo(pointAfter(event), pointAt(until)),
      );
      return this.clientEvents.serve(viewer, await wantedOf(readable));
    };
    return { before: await serve(found.before), after: await serve(found.after) };
  }

  private async read(room: RoomRecord, event: StoredEvent, limits: { before: number; after: number }) {
    const found = await this.events.aroundEvent(event, limits);
    if (limits.before === 0) return found;
    const isFull = found.before.length === limits.before;
    const oldest = found.before.at(-1) ?? event;
    const reached = isFull ? pointBefore(oldest) : undefined;
    const before = await this.older.gapBetween(room, pointBefore(event), reached);
    if (before === undefined) return found;
    await this.older.fetchOnce(room, { before, events: limits.before, timeoutMs: FETCH_MS });
    return this.events.aroundEvent(event, limits);
  }

  private async state(
    { room }: ReadableRoom,
    position: number,
    { filter }: GetEventContext,
    shown: readonly ServedEvent[],
  ): Promise<StoredEvent[]> {
    const lazy = filter.lazy_load_members === true;
    const state = await this.states.at(room.roomNid, position, lazy ? { notTypes: ['m.room.member'] } : {});
    const members = lazy ? await this.senders.at(room.roomNid, position, shown) : [];
    return [...state.filter(compileFilter(filter)), ...members];
  }
}
