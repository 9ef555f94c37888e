import { encodeToken, type StoredEvent, type StreamPositions } from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents } from '../../events/client-events.js';
import type { SyncRequest } from '../sync-request.js';
import type { RoomPlan } from './room-plan.js';
import { RoomStates, type TimedRoom } from './room-states.js';
import { changesSummary, type RoomSummary, RoomSummaries, summaryBody } from './room-summary.js';
import { TimelineFiller } from './timeline-filler.js';

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
}

/** Makes the sections of rooms that the user is or was in, many at once: the number of queries does not depend on how many. */
@Injectable()
export class RoomSections {
  constructor(
    private readonly timelines: TimelineFiller,
    private readonly states: RoomStates,
    private readonly summaries: RoomSummaries,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** Those of the rooms of which there is something to tell. */
  async load(context: SectionContext, plans: readonly RoomPlan[]): Promise<RoomSection[]> {
    const { request, to, ignored } = context;
    const { userId, filter } = request;

    // 1. The timelines, without what ignored users say.
    const { byRoom, seen } = await this.timelines.fill(
      userId,
      plans.map(({ roomNid, timeline, shownNid }) => ({ roomNid, ...timeline, shownNid })),
      {
        limit: filter.timeline.limit,
        matches: (event) => !isIgnored(event, ignored) && filter.timeline.matches(event),
      },
    );
    const rooms = plans.map((plan) => {
      const nothing = { events: [], isLimited: false, start: plan.timeline.to };
      return { plan, timeline: byRoom.get(plan.roomNid) ?? nothing };
    });

    // 2. What changed in the state, and the summaries that changed with it.
    const spans = await this.states.spans(rooms, filter.state.isLazy);
    const summarised = plans.filter(
      (plan) =>
        plan.section === 'join' &&
        (plan.knownState === undefined || spans.get(plan.roomNid)?.some(({ type }) => changesSummary(type))),
    );
    const summaries = await this.summaries.load(
      userId,
      summarised.map(({ roomNid }) => roomNid),
      to.events,
    );

    // 3. The members that lazy loading wants beside them.
    if (filter.state.isLazy) {
      const heroes = (roomNid: number): readonly UserId[] => summaries.get(roomNid)?.heroes ?? [];
      for (const span of await this.states.lazyMembers(request, rooms, heroes)) {
        const ofRoom = spans.get(span.roomNid);
        if (ofRoom) ofRoom.push(span);
        else spans.set(span.roomNid, [span]);
      }
    }

    // 4. The events themselves, as the user may see them.
    const state = await this.states.load(request, rooms, spans);
    const events = rooms.flatMap(({ timeline }) => timeline.events);
    if (filter.state.isLazy)
      this.states.noteSent(request, [...[...state.values()].flat(), ...events], to.events);
    const served = await this.clientEvents.serveSeen(request, events, seen, filter.format);
    const bodies = new Map(served.map(({ event, body }) => [event.eventNid, body]));

    // 5. The sections.
    return rooms.flatMap((room) => {
      const { roomNid } = room.plan;
      const told = toldOf(room, context, state.get(roomNid) ?? [], summaries.get(roomNid));
      if (!isTold(room, told)) return [];
      const timeline = room.timeline.events
        .map(({ eventNid }) => bodies.get(eventNid))
        .filter((body) => body !== undefined);
      return [this.section(context, room, timeline, told)];
    });
  }

  private section(
    { request, to }: SectionContext,
    { plan, timeline }: TimedRoom,
    events: readonly JsonObject[],
    told: Told,
  ): RoomSection {
    const { filter, stateField } = request;
    const fields = filter.fields ?? ((event: JsonObject) => event);
    const state = this.clientEvents.serveState(request, told.state, filter.format);
    const body = {
      ...(told.summary && { summary: summaryBody(told.summary) }),
      [stateField]: { events: state.map(fields) },
      timeline: {
        events: events.map(fields),
        limited: timeline.isLimited,
        prev_batch: encodeToken({ ...to, events: timeline.start }),
      },
      ...(plan.section === 'join' && { ephemeral: { events: [] } }),
      account_data: { events: [...told.accountData] },
    };
    return { section: plan.section, roomId: plan.roomId, body };
  }
}

interface Told {
  readonly state: readonly StoredEvent[];
  readonly summary: RoomSummary | undefined;
  readonly accountData: readonly JsonObject[];
}

function toldOf(
  { plan }: TimedRoom,
  { accountData }: SectionContext,
  state: readonly StoredEvent[],
  summary: RoomSummary | undefined,
): Told {
  return { state, summary, accountData: accountData.get(plan.roomId) ?? [] };
}

/** A joined room in which nothing happened that the filter lets through is absent; a leave is always told. */
function isTold({ plan, timeline }: TimedRoom, { state, summary, accountData }: Told): boolean {
  if (plan.section === 'leave' || plan.knownState === undefined || summary !== undefined) return true;
  return timeline.events.length + state.length + accountData.length > 0 || timeline.isLimited;
}

/** State events of ignored users are told, so that rooms look the same to everyone. */
function isIgnored({ pdu }: StoredEvent, ignored: ReadonlySet<string>): boolean {
  return pdu.state_key === undefined && ignored.has(pdu.sender);
}
