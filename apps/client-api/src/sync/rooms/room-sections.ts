import {
  encodeToken,
  HistoryReader,
  type StateSpan,
  type StoredEvent,
  type StreamPositions,
} from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents } from '../../events/client-events.js';
import { isIgnored } from '../../events/ignored-users.js';
import type { SyncRequest } from '../sync-request.js';
import { EphemeralEvents } from './ephemeral-events.js';
import { groupBySize } from './group-by-size.js';
import type { RoomPlan } from './room-plan.js';
import { memberNids, RoomStates, type TimedRoom } from './room-states.js';
import { changesSummary, type RoomSummary, RoomSummaries, summaryBody } from './room-summary.js';
import type { AnsweredMembers } from './sent-members.js';
import { TimelineFiller } from './timeline-filler.js';
import { type UnreadNotifications, unreadFields, UnreadNotificationsLoader } from './unread-notifications.js';

/** One entry of `rooms.join` or `rooms.leave`. */
export interface RoomSection {
  readonly section: 'join' | 'leave';
  readonly roomId: RoomId;
  readonly body: JsonObject;
}

/** What holds for all rooms of one answer. */
export interface SectionContext {
  readonly request: SyncRequest;
  readonly to: StreamPositions;
  readonly ignored: ReadonlySet<string>;
  readonly accountData: ReadonlyMap<string, readonly JsonObject[]>;
  readonly members: AnsweredMembers;
}

/** Makes the sections of rooms that the user is or was in, many at once: the number of queries does not depend on how many. */
@Injectable()
export class RoomSections {
  constructor(
    private readonly timelines: TimelineFiller,
    private readonly history: HistoryReader,
    private readonly states: RoomStates,
    private readonly summaries: RoomSummaries,
    private readonly clientEvents: ClientEvents,
    private readonly ephemeral: EphemeralEvents,
    private readonly unread: UnreadNotificationsLoader,
  ) {}

  /** Those of the rooms of which there is something to tell; a few at a time where their states are large. */
  async *load(context: SectionContext, plans: readonly RoomPlan[]): AsyncGenerator<RoomSection> {
    const { request, to, members } = context;
    const { filter } = request;

    // 1. The timelines, and what is unread.
    const joined = plans.filter(({ section }) => section === 'join').map(({ roomNid }) => roomNid);
    const [{ rooms, seen }, unread, read] = await Promise.all([
      this.timed(context, plans),
      this.unread.load(request.userId, joined, to.events),
      this.unread.readRooms(request.userId, joined, request.since, to),
    ]);

    // 2. What changed in the states, and the summaries that changed with it.
    const spans = await this.states.spans(rooms, filter.state.isLazy);
    const summaries = await this.summarise(context, plans, spans);

    // 3. The members that lazy loading wants beside them.
    if (filter.state.isLazy) {
      const heroes = (roomNid: number): readonly UserId[] => summaries.get(roomNid)?.heroes ?? [];
      const wanted = await this.states.lazyMembers(request, rooms, heroes, members.known);
      for (const span of wanted) append(spans, span);
    }

    // 4. The events of the timelines, as the user may see them.
    const events = rooms.flatMap(({ timeline }) => timeline.events);
    const served = await this.clientEvents.serveSeen(request, events, seen, {
      format: filter.format,
      // Where nothing is left out, the children come themselves.
      aggregated: rooms.flatMap(({ timeline }) => (timeline.isLimited ? timeline.events : [])),
      upTo: to.events,
    });
    const bodies = new Map(served.map(({ event, body }) => [event.eventNid, body]));
    for (const nid of memberNids(events)) members.told.add(nid);

    // 5. What is in no timeline.
    const ephemeral = await this.ephemeral.load(context, plans);

    // 6. The states, and with them the sections.
    for (const group of groupBySize(rooms, ({ plan }) => spans.get(plan.roomNid)?.length ?? 0)) {
      const states = await this.states.load(request, group, spans);
      const silent: { room: TimedRoom; told: Told }[] = [];
      for (const room of group) {
        const { roomNid, roomId } = room.plan;
        const state = states.get(roomNid) ?? [];
        for (const nid of memberNids(state)) members.told.add(nid);
        const accountData = context.accountData.get(roomId) ?? [];
        const told = {
          state,
          accountData,
          summary: summaries.get(roomNid),
          ephemeral: ephemeral.get(roomNid) ?? [],
          unread: unread.get(roomNid),
          isRead: read.has(roomNid),
        };
        if (isTold(room, told)) yield this.section(context, room, bodies, told);
        else silent.push({ room, told });
      }
      // Counts are told also where the filter hides what changed them.
      const stretches = silent.map(({ room: { plan } }) => ({ roomNid: plan.roomNid, ...plan.timeline }));
      const recounted = await this.unread.changedRooms(request.userId, stretches);
      for (const { room, told } of silent) {
        if (recounted.has(room.plan.roomNid)) yield this.section(context, room, bodies, told);
      }
    }
  }

  /** The rooms with their timelines, without what ignored users say. */
  private async timed({ request, ignored }: SectionContext, plans: readonly RoomPlan[]) {
    const { limit, matches, relatedBy } = request.filter.timeline;
    const { byRoom, seen } = await this.timelines.fill(
      request.userId,
      plans.map(({ roomNid, timeline, shownNid }) => ({ roomNid, ...timeline, shownNid })),
      { limit, matches: (event) => !isIgnored(event, ignored) && matches(event), relatedBy },
    );
    const older = await this.roomsWithOlder(plans);
    const rooms = plans.flatMap((plan): TimedRoom[] => {
      const timeline = byRoom.get(plan.roomNid);
      if (timeline === undefined) return [];
      return [{ plan, timeline: older.has(plan.roomNid) ? { ...timeline, isLimited: true } : timeline }];
    });
    return { rooms, seen };
  }

  /** The rooms that come whole, though not from their beginning: scroll-back leads to what was before this server came. */
  private async roomsWithOlder(plans: readonly RoomPlan[]): Promise<Set<number>> {
    const whole = plans.filter(({ timeline }) => timeline.from === 0).map(({ roomNid }) => roomNid);
    return whole.length === 0 ? new Set() : this.history.withOlder(whole);
  }

  /** The summaries of joined rooms that the client gets whole, or in which they may have changed. */
  private summarise(
    { request, to }: SectionContext,
    plans: readonly RoomPlan[],
    spans: ReadonlyMap<number, readonly StateSpan[]>,
  ): Promise<Map<number, RoomSummary>> {
    const wanted = plans.filter(
      ({ section, knownState, roomNid }) =>
        section === 'join' &&
        (knownState === undefined || spans.get(roomNid)?.some(({ type }) => changesSummary(type))),
    );
    const roomNids = wanted.map(({ roomNid }) => roomNid);
    return this.summaries.load(request.userId, roomNids, to.events);
  }

  private section(
    { request, to }: SectionContext,
    { plan, timeline }: TimedRoom,
    bodies: ReadonlyMap<number, JsonObject>,
    told: Told,
  ): RoomSection {
    const { filter, stateField } = request;
    const fields = filter.fields ?? ((event: JsonObject) => event);
    const state = this.clientEvents.serveState(request, told.state, filter.format);
    const body = {
      ...(told.summary && { summary: summaryBody(told.summary) }),
      [stateField]: { events: state.map(fields) },
      timeline: {
        events: timeline.events
          .map(({ eventNid }) => bodies.get(eventNid))
          .filter((event) => event !== undefined)
          .map(fields),
        limited: timeline.isLimited,
        prev_batch: encodeToken({ ...to, events: timeline.start }),
      },
      ...(plan.section === 'join' && { ephemeral: { events: [...told.ephemeral] } }),
      ...unreadFields(told.unread, { ofThreads: filter.countsThreads }),
      account_data: { events: [...told.accountData] },
    };
    return { section: plan.section, roomId: plan.roomId, body };
  }
}

interface Told {
  readonly state: readonly StoredEvent[];
  readonly summary: RoomSummary | undefined;
  readonly accountData: readonly JsonObject[];
  readonly ephemeral: readonly JsonObject[];
  readonly unread: UnreadNotifications | undefined;
  /** The user has read further. */
  readonly isRead: boolean;
}

function append(spans: Map<number, StateSpan[]>, span: StateSpan): void {
  const ofRoom = spans.get(span.roomNid);
  if (ofRoom) ofRoom.push(span);
  else spans.set(span.roomNid, [span]);
}

/** A joined room in which nothing happened that the filter lets through is absent; a leave is always told. */
function isTold(
  { plan, timeline }: TimedRoom,
  { state, summary, accountData, ephemeral, isRead }: Told,
): boolean {
  if (plan.section === 'leave' || plan.knownState === undefined || summary !== undefined || isRead)
    return true;
  const news = timeline.events.length + state.length + accountData.length + ephemeral.length;
  return news > 0 || timeline.isLimited;
}
