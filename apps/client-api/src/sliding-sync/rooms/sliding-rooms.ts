import { setImmediate } from 'node:timers/promises';
import { encodeToken, EventReader, RoomListReader, type StateSpan, type StoredEvent } from '@atoll/database';
import type { EventId, JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents } from '../../events/client-events.js';
import { memberNids } from '../../sync/rooms/room-states.js';
import {
  type UnreadNotifications,
  UnreadNotificationsLoader,
} from '../../sync/rooms/unread-notifications.js';
import { type SlidingContext, tellsCounts } from '../sliding-context.js';
import type { PlannedRoom } from './plan-touched.js';
import { RequiredStateLoader, type ToldState } from './required-state-loader.js';
import { profileFields, type RoomProfile, RoomProfiles } from './room-profiles.js';
import { commonFields, type RoomResult } from './room-result.js';
import { RoomTimelines, type TimedSlidingRoom } from './room-timelines.js';

/** Activity that puts a room to the top of a client's list. @see proposals/4186-simplified-sliding-sync.md, "Common fields" */
const BUMP_TYPES = [
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
];
/** The client has every event that it may ask for. */
const ALL_EVENTS = 100;
/** Bounds the length of a turn of the event loop. */
const EVENTS_AT_ONCE = 1000;

/** What is read of a room besides its timeline. */
interface RoomDetails {
  readonly state: ToldState;
  readonly profile: RoomProfile | undefined;
  readonly bump: { readonly position: number; readonly isFound: boolean } | undefined;
  readonly unread: UnreadNotifications | undefined;
}

/** Makes the results of rooms that the user is or was in, many at once: the number of queries does not depend on how many. */
@Injectable()
export class SlidingRooms {
  constructor(
    private readonly timelines: RoomTimelines,
    private readonly states: RequiredStateLoader,
    private readonly profiles: RoomProfiles,
    private readonly lists: RoomListReader,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
    private readonly unread: UnreadNotificationsLoader,
  ) {}

  async load(context: SlidingContext, planned: readonly PlannedRoom[]): Promise<RoomResult[]> {
    const { request, to } = context;

    // 1. The timelines.
    const { rooms, seen } = await this.timelines.load(context, planned);
    const events = rooms.flatMap(({ timeline }) => timeline.events);

    // 2. Their events as the user may see them, the state that is asked for, and what goes with its changes.
    const [served, states, bumps, unread] = await Promise.all([
      this.clientEvents.serveSeen(request, events, seen, {
        format: 'client-without-room-id',
        // Where nothing is left out, the children come themselves.
        aggregated: rooms.flatMap(({ timeline }) => (timeline.isLimited ? timeline.events : [])),
        upTo: to.events,
      }),
      this.states.load(context, rooms),
      this.bumps(rooms),
      this.unreadOf(context, rooms),
    ]);
    const bodies = new Map(served.map(({ event, body }) => [event.eventNid, body]));
    const [profiles, stateEvents] = await Promise.all([
      this.profiles.load(request.userId, rooms, states),
      this.stateEvents(states),
    ]);
    for (const nid of memberNids([...stateEvents.values()])) context.members.told.add(nid);

    // 3. The results.
    const results: RoomResult[] = [];
    for (const timed of rooms) {
      const { roomNid } = timed.plan;
      const state = states.get(roomNid) ?? { told: [], changed: [] };
      const details = {
        state,
        profile: profiles.get(roomNid),
        bump: bumps.get(roomNid),
        unread: unread.get(roomNid),
      };
      const timeline = timed.timeline.events
        .map(({ eventNid }) => bodies.get(eventNid))
        .filter((body) => body !== undefined);
      const requiredState = await this.stateBodies(context, state.told, stateEvents);
      results.push(result(context, timed, details, { timeline, requiredState }));
    }
    return results;
  }

  /** Of the rooms that the user is in. */
  private bumps(rooms: readonly TimedSlidingRoom[]) {
    const joined = rooms.flatMap(({ plan: { section, roomNid, stateEnd } }) =>
      section === 'join' ? [{ roomNid, upTo: stateEnd }] : [],
    );
    return this.lists.bumpPositions(joined, BUMP_TYPES);
  }

  /** Of the rooms that the user is in. */
  private unreadOf({ request, to }: SlidingContext, rooms: readonly TimedSlidingRoom[]) {
    const joined = rooms.flatMap(({ plan }) => (plan.section === 'join' ? [plan.roomNid] : []));
    return this.unread.load(request.userId, tellsCounts(request) ? joined : [], to.events);
  }

  private async stateEvents(states: ReadonlyMap<number, ToldState>): Promise<Map<number, StoredEvent>> {
    const nids = [...states.values()].flatMap(({ told }) => told.flatMap(({ eventNid }) => eventNid ?? []));
    const events = new Map<number, StoredEvent>();
    for (let i = 0; i < nids.length; i += EVENTS_AT_ONCE) {
      for (const [nid, event] of await this.events.byNids(nids.slice(i, i + EVENTS_AT_ONCE))) {
        events.set(nid, event);
      }
    }
    return events;
  }

  /** Older clients know no stubs: state that was removed is not told to them. */
  private async stateBodies(
    { request }: SlidingContext,
    told: readonly StateSpan[],
    events: ReadonlyMap<number, StoredEvent>,
  ): Promise<JsonObject[]> {
    const bodies: JsonObject[] = [];
    for (let i = 0; i < told.length; i += EVENTS_AT_ONCE) {
      if (i > 0) await setImmediate();
      const some = told.slice(i, i + EVENTS_AT_ONCE);
      const held = some.flatMap(({ eventNid }) => (eventNid === null ? [] : (events.get(eventNid) ?? [])));
      const stubs = some.flatMap(({ eventNid, type, stateKey }) =>
        eventNid === null && request.dialect === 'stable' ? [{ type, state_key: stateKey }] : [],
      );
      bodies.push(...this.clientEvents.serveState(request, held, 'client-without-room-id'), ...stubs);
    }
    return bodies;
  }
}

function result(
  context: SlidingContext,
  { room, plan, timeline, tellsOlder }: TimedSlidingRoom,
  { state, profile, bump, unread }: RoomDetails,
  bodies: { timeline: JsonObject[]; requiredState: JsonObject[] },
): RoomResult {
  const { request, since, to } = context;
  const { config, membership } = room.match;
  const { isLimited } = timeline;
  const live = since?.events ?? Number.MAX_SAFE_INTEGER;
  const known = plan.isNew ? undefined : (room.from?.events ?? 0);
  const stamp = bumpStamp(bump, membership.position, known);
  const fields = profile ? profileFields(profile, plan.isNew ? undefined : state.changed) : {};
  const isDmTold = plan.isNew ? room.isDm : room.known?.isDm !== room.isDm;
  const isTold =
    plan.isNew ||
    plan.section === 'leave' ||
    isLimited ||
    isDmTold ||
    room.isRead ||
    stamp !== undefined ||
    bodies.timeline.length + bodies.requiredState.length + Object.keys(fields).length > 0;
  const body = {
    ...commonFields(request, room, stamp, unread),
    ...fields,
    ...(isDmTold && { is_dm: room.isDm }),
    ...(plan.isNew && { initial: true }),
    ...(tellsOlder && {
      [request.dialect === 'stable' ? 'expanded_timeline' : 'unstable_expanded_timeline']: true,
    }),
    ...(bodies.requiredState.length > 0 && { required_state: bodies.requiredState }),
    ...(bodies.timeline.length > 0 && { timeline: bodies.timeline }),
    ...((plan.isNew || isLimited || bodies.timeline.length > 0) && {
      prev_batch: encodeToken({ ...to, events: timeline.start }),
    }),
    ...(isLimited && { limited: true }),
    num_live: timeline.events.filter(({ position }) => (position ?? 0) > live).length,
  };
  const isFromStart = plan.isNew || tellsOlder;
  const knownLimit = isFromStart
    ? ALL_EVENTS
    : Math.max(room.known?.timelineLimit ?? 0, config.timelineLimit);
  return {
    room,
    body: isTold ? body : undefined,
    isInitial: plan.isNew,
    tellsOlder,
    timelineLimit: isLimited ? config.timelineLimit : knownLimit,
    eventIds: timeline.events.map(({ eventId }): EventId => eventId),
  };
}

/** Only one that is newer than what the client knows; in a room that is not joined, the position of the membership. */
function bumpStamp(
  bump: RoomDetails['bump'],
  membership: number,
  known: number | undefined,
): number | undefined {
  if (known === undefined) return bump?.position ?? membership;
  const isNews = bump === undefined ? membership > known : bump.isFound && bump.position > known;
  return isNews ? (bump?.position ?? membership) : undefined;
}
