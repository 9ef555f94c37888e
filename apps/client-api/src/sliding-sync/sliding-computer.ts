import {
  currentPositions,
  type Database,
  type JoinedRooms,
  type StreamPositions,
  SyncMembershipReader,
  VisibilityReader,
} from '@atoll/database';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { IgnoredUsers } from '../events/ignored-users.js';
import { SentMembers } from '../sync/rooms/sent-members.js';
import { extensionsOf } from './extensions/extension-rooms.js';
import { Extensions, globalExtensionsOf } from './extensions/extensions.js';
import { DirectRooms } from './list/direct-rooms.js';
import { roomFilter } from './list/match-filters.js';
import { type Matches, matchRooms } from './list/match-rooms.js';
import { isLeft, RoomList, type RoomLists } from './list/room-list.js';
import { RoomTraitsLoader } from './list/room-traits.js';
import type { ConnectionMemory } from './memory/connection-memory.js';
import { NextMemory } from './memory/next-memory.js';
import { QuietChanges } from './memory/quiet-changes.js';
import { encodePos, type Pos } from './pos.js';
import { OutsideRooms } from './rooms/outside-rooms.js';
import { needsHistory, planTouched } from './rooms/plan-touched.js';
import { ReadRooms } from './rooms/read-rooms.js';
import type { RoomResult } from './rooms/room-result.js';
import { SlidingRooms } from './rooms/sliding-rooms.js';
import { type TouchedRoom, touchedRooms } from './rooms/touched-rooms.js';
import { SlidingBody } from './sliding-body.js';
import { listenerOf, type SlidingContext } from './sliding-context.js';
import type { SlidingRequest } from './sliding-request.js';

/** What the client knows; without `pos` it is a first request. */
export interface SlidingBase {
  readonly memory: ConnectionMemory;
  readonly pos?: Pos | undefined;
}

/** One answer, and what it leads to. */
export interface ComputedSlidingSync {
  readonly body: SlidingBody;
  readonly isEmpty: boolean;
  /** What the client knows with this answer. */
  readonly next: NextMemory;
  /** Everything up to these was looked at. */
  readonly positions: StreamPositions;
  readonly joinedRooms: readonly number[];
  /** Nothing is told of rooms themselves. */
  readonly isAboutNoRoom: boolean;
  /** The member events that are told, by their nids. */
  readonly toldMembers: ReadonlySet<number>;
}

/** Rooms whose results are made together: bounds the memory and the length of a turn, not the number of queries per room. */
const ROOMS_AT_ONCE = 50;
const NO_ROOMS: RoomLists = { listed: [], all: new Map() };

/** Computes what a client of sliding sync does not know of the rooms that it asks for. */
@Injectable()
export class SlidingComputer {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly directRooms: DirectRooms,
    private readonly ignoredUsers: IgnoredUsers,
    private readonly roomList: RoomList,
    private readonly traits: RoomTraitsLoader,
    private readonly readRooms: ReadRooms,
    private readonly visibility: VisibilityReader,
    private readonly rooms: SlidingRooms,
    private readonly outside: OutsideRooms,
    private readonly extensions: Extensions,
    private readonly quietChanges: QuietChanges,
    private readonly sent: SentMembers,
    private readonly memberships: SyncMembershipReader,
  ) {}

  /** @param known positions that are visible and new enough for this request; read when absent */
  async compute(
    request: SlidingRequest,
    { memory, pos }: SlidingBase,
    known?: StreamPositions,
  ): Promise<ComputedSlidingSync> {
    const { userId } = request;
    const since = pos?.positions;
    const members = {
      known: this.sent.knownAt(listenerOf(request), pos && encodePos(pos)),
      told: new Set<number>(),
    };

    // 1. The upper bound: nothing newer is read, so that a commit meanwhile is told whole by this answer or by the next.
    const [to, ignored, dms] = await Promise.all([
      known ?? currentPositions(this.database.db),
      this.ignoredUsers.of(userId),
      this.directRooms.of(userId),
    ]);
    const context = { request, since, to, ignored, members };

    // 2. The user's rooms, and those of them that the request is about.
    const aboutNoRoom = isAboutNoRoom(request, memory);
    const lists = aboutNoRoom ? NO_ROOMS : await this.roomList.load({ userId, to, memory, since, ignored });
    const rooms = aboutNoRoom ? await this.roomsForKeys(request, to) : joinedIn(lists, since);
    const matches = await this.match(context, lists, dms);

    // 3. Those of which the client does not know everything.
    const read = await this.readRooms.load(context, matches.rooms.values(), memory);
    const touched = touchedRooms(matches.rooms.values(), memory, since, dms, read);
    const body = new SlidingBody(matches.counts);
    const results = new Map<number, RoomResult>();
    for await (const result of this.results(context, touched)) {
      results.set(result.room.match.membership.roomNid, result);
      if (result.body) await body.addRoom(result.room.match.membership.roomId, result.body);
    }

    // 4. What is not of rooms, or beside them.
    const extended = [...matches.rooms.values()].flatMap((match) => {
      const { roomNid } = match.membership;
      const result = results.get(roomNid);
      const before = memory.rooms.get(roomNid);
      if (result === undefined && before === undefined) return [];
      return [{ match, known: result?.isInitial === true ? undefined : before }];
    });
    const older = [...results].filter(([, { isInitial, tellsOlder }]) => isInitial || tellsOlder);
    const timelines = new Map(older.map(([roomNid, { eventIds }]) => [roomNid, eventIds]));
    const [told, quiet] = await Promise.all([
      this.extensions.load(context, extended, memory.extensions, timelines, rooms),
      this.quietChanges.inRooms(context, memory, lists, matches.rooms),
    ]);
    body.setExtensions(told.body);

    // 5. What the client knows then.
    const next = new NextMemory(memory);
    this.noteTold(next, context, matches, results, dms);
    if (since !== undefined) for (const roomNid of quiet) next.fallBehind(roomNid, since);
    for (const roomNid of goneRooms(memory, lists, matches)) next.forget(roomNid);
    return {
      body,
      isEmpty: body.hasNoRooms && told.isEmpty,
      next,
      positions: to,
      joinedRooms: rooms.joined,
      isAboutNoRoom: aboutNoRoom,
      toldMembers: members.told,
    };
  }

  /** Whose devices matter depends on the rooms that are shared, also where nothing else is told of these. */
  private async roomsForKeys(
    { userId, extensions }: SlidingRequest,
    to: StreamPositions,
  ): Promise<JoinedRooms> {
    if (extensions.e2ee !== true) return { joined: [], stirred: [] };
    const memberships = await this.memberships.membershipsAt(userId, to.events);
    const joined = memberships.flatMap(({ membership, roomNid }) => (membership === 'join' ? [roomNid] : []));
    return { joined, stirred: joined };
  }

  private async match(
    { request, to }: SlidingContext,
    lists: RoomLists,
    dms: ReadonlySet<string>,
  ): Promise<Matches> {
    const filters = [...request.lists.values()].map((list) => list.filters);
    const traits = await this.traits.load({ userId: request.userId, to, dms }, lists.listed, filters);
    return matchRooms(request, lists, (ofList) => roomFilter(ofList, traits));
  }

  private async *results(
    context: SlidingContext,
    touched: readonly TouchedRoom[],
  ): AsyncGenerator<RoomResult> {
    for (let i = 0; i < touched.length; i += ROOMS_AT_ONCE) {
      const some = touched.slice(i, i + ROOMS_AT_ONCE);
      const withHistory = some.filter(needsHistory).map(({ match }) => match.membership.roomNid);
      const timelines =
        withHistory.length === 0
          ? new Map<number, never>()
          : await this.visibility.timelines(context.request.userId, withHistory);
      const histories = new Map(Array.from(timelines, ([roomNid, { membership }]) => [roomNid, membership]));
      const plans = planTouched(some, context.to, histories);
      if (plans.rooms.length > 0) yield* await this.rooms.load(context, plans.rooms);
      if (plans.stripped.length + plans.declined.length > 0) yield* await this.outside.load(context, plans);
    }
  }

  private noteTold(
    next: NextMemory,
    { request: { extensions } }: SlidingContext,
    matches: Matches,
    results: ReadonlyMap<number, RoomResult>,
    dms: ReadonlySet<string>,
  ): void {
    for (const [roomNid, match] of matches.rooms) {
      // What is asked for anew was told only where there is a result.
      const result = results.get(roomNid);
      const known = result
        ? {
            timelineLimit: result.timelineLimit,
            states: match.config.states,
            isDm: dms.has(match.membership.roomId),
          }
        : next.room(roomNid);
      if (known)
        next.note(roomNid, { ...known, told: undefined, extensions: extensionsOf(extensions, match) });
    }
    next.noteExtensions(globalExtensionsOf(extensions));
  }
}

function joinedIn({ all }: RoomLists, since: StreamPositions | undefined): JoinedRooms {
  const joined = [...all.values()].filter(({ membership }) => membership.membership === 'join');
  const nids = (rooms: typeof joined) => rooms.map(({ membership }) => membership.roomNid);
  const stirred = joined.filter(({ activity }) => activity > (since?.events ?? 0));
  return { joined: nids(joined), stirred: nids(stirred) };
}

/** The rooms that the client knows and that are of no interest to the user any more. */
function goneRooms(memory: ConnectionMemory, { all }: RoomLists, { rooms }: Matches): number[] {
  return [...memory.rooms.keys()].filter((roomNid) => {
    const membership = all.get(roomNid)?.membership;
    const isGone = membership === undefined || (membership.forgotten && isLeft(membership));
    return isGone && !rooms.has(roomNid);
  });
}

/** Clients have connections for extensions alone: messages in rooms do not wake these, and cost them nothing. */
function isAboutNoRoom({ lists, subscriptions }: SlidingRequest, memory: ConnectionMemory): boolean {
  return lists.size + subscriptions.size + memory.rooms.size === 0;
}
