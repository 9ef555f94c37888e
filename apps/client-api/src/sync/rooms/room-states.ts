import { EventReader, type StateSpan, type StoredEvent, SyncStateReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { SyncRequest } from '../sync-request.js';
import type { RoomPlan } from './room-plan.js';
import { stateAfter, stateBefore, stateKeyOf } from './select-state.js';
import type { FilledTimeline } from './timeline-filler.js';

/** A room whose timeline is known. */
export interface TimedRoom {
  readonly plan: RoomPlan;
  readonly timeline: FilledTimeline;
}

/** Bounds the length of a turn of the event loop. */
const EVENTS_AT_ONCE = 1000;

/** Finds what a client needs to bring its knowledge of the rooms' state up to date. */
@Injectable()
export class RoomStates {
  constructor(
    private readonly states: SyncStateReader,
    private readonly events: EventReader,
  ) {}

  /** The spans that hold before or within each timeline and that the client does not have, by room; lazily without members. */
  async spans(rooms: readonly TimedRoom[], isLazy: boolean): Promise<Map<number, StateSpan[]>> {
    const changes = rooms.flatMap((room) => {
      const { knownState } = room.plan;
      return knownState === undefined ? [] : [{ ...windowOf(room), since: knownState }];
    });
    const complete = rooms.flatMap((room) =>
      room.plan.knownState === undefined ? [{ ...windowOf(room), members: !isLazy }] : [],
    );
    const spans = await Promise.all([this.states.changes(changes), this.states.complete(complete)]);
    return Map.groupBy(spans.flat(), ({ roomNid }) => roomNid);
  }

  /**
   * The members that lazy loading wants: who sent what is in the timeline, the heroes, and with a whole state the user; not
   * those whose events the client has.
   * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
   */
  async lazyMembers(
    request: SyncRequest,
    rooms: readonly TimedRoom[],
    heroes: (roomNid: number) => readonly UserId[],
    known: ReadonlySet<number>,
  ): Promise<StateSpan[]> {
    const wanted = rooms.flatMap((room) => {
      const users = new Set([
        ...room.timeline.events.map(({ pdu }) => pdu.sender),
        ...heroes(room.plan.roomNid),
      ]);
      if (room.plan.knownState === undefined) users.add(request.userId);
      return Array.from(users, (userId) => ({ ...windowOf(room), userId }));
    });
    const whole = new Set(rooms.flatMap(({ plan }) => (plan.knownState === undefined ? [plan.roomNid] : [])));
    const spans = await this.states.members(wanted);
    if (request.filter.state.isRedundant) return spans;
    return spans.filter(
      ({ roomNid, eventNid }) => whole.has(roomNid) || eventNid === null || !known.has(eventNid),
    );
  }

  /** The events of each room's state section. */
  async load(
    request: SyncRequest,
    rooms: readonly TimedRoom[],
    spans: ReadonlyMap<number, readonly StateSpan[]>,
  ): Promise<Map<number, StoredEvent[]>> {
    const { matchesType, matches } = request.filter.state;
    const nids = rooms.flatMap((room) => {
      const told = (spans.get(room.plan.roomNid) ?? []).filter(({ type }) => matchesType(type));
      return request.stateField === 'state' ? before(room, told) : stateAfter(told, room.plan.stateEnd);
    });
    const events: StoredEvent[] = [];
    for (let i = 0; i < nids.length; i += EVENTS_AT_ONCE) {
      const some = await this.events.byNids(nids.slice(i, i + EVENTS_AT_ONCE));
      events.push(...[...some.values()].filter(matches));
    }
    return Map.groupBy(events, ({ roomNid }) => roomNid);
  }
}

/** The member events among those that an answer tells, in state and timelines. */
export function memberNids(events: readonly StoredEvent[]): number[] {
  return events.flatMap(({ eventNid, pdu }) =>
    pdu.type === 'm.room.member' && pdu.state_key !== undefined ? [eventNid] : [],
  );
}

function windowOf({ plan, timeline }: TimedRoom) {
  const first = timeline.events[0]?.position ?? undefined;
  const start = first === undefined ? plan.stateEnd : Math.min(first - 1, plan.stateEnd);
  return { roomNid: plan.roomNid, start, end: plan.stateEnd };
}

function before(room: TimedRoom, spans: readonly StateSpan[]): number[] {
  const keys = new Set(
    room.timeline.events.flatMap(({ pdu }) =>
      pdu.state_key === undefined ? [] : [stateKeyOf(pdu.type, pdu.state_key)],
    ),
  );
  return stateBefore(spans, windowOf(room), keys);
}
