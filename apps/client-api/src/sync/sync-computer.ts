import {
  AccountDataReader,
  type AccountDataEntry,
  currentPositions,
  type Database,
  encodeToken,
  type StreamPositions,
  SyncMembershipReader,
  SyncTimelineReader,
  VisibilityReader,
} from '@atoll/database';
import { isJsonObject, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { planRooms, type PlanInput, type RoomPlan, roomsNeedingHistory } from './rooms/room-plan.js';
import { RoomSections, type SectionContext } from './rooms/room-sections.js';
import { SentMembers } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { SyncBody } from './sync-body.js';
import type { SyncRequest } from './sync-request.js';

/** One answer, and what a wait for the next one needs. */
export interface ComputedSync {
  /** JSON */
  readonly body: string;
  readonly isEmpty: boolean;
  /** Everything up to these was looked at. */
  readonly positions: StreamPositions;
  readonly joinedRooms: readonly number[];
}

/** Rooms whose sections are made together: bounds the memory and the length of a turn, not the number of queries per room. */
const ROOMS_AT_ONCE = 50;

/** Computes what changed for a user between two points: one engine for first, incremental and full-state syncs. */
@Injectable()
export class SyncComputer {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly memberships: SyncMembershipReader,
    private readonly timelines: SyncTimelineReader,
    private readonly visibility: VisibilityReader,
    private readonly accountData: AccountDataReader,
    private readonly sections: RoomSections,
    private readonly stripped: StrippedRooms,
    private readonly sent: SentMembers,
  ) {}

  /** @param known positions that are visible and new enough for this request; read when absent */
  async compute(request: SyncRequest, known?: StreamPositions): Promise<ComputedSync> {
    const { userId, since, filter } = request;

    // 1. The upper bound: nothing newer is read, so that a commit meanwhile is told whole by the next sync or by this one.
    const to = known ?? (await currentPositions(this.database.db));

    // 2. What the user has there, and which of it changed.
    const [all, entries] = await Promise.all([
      this.memberships.membershipsAt(userId, to.events),
      this.accountData.changes(userId, since?.account_data ?? 0, to.account_data),
    ]);
    const memberships = all.filter(({ roomId }) => filter.includesRoom(roomId));
    const joinedRooms = memberships.flatMap(({ membership, roomNid }) =>
      membership === 'join' ? [roomNid] : [],
    );
    const [input, ignored] = await Promise.all([
      this.planInput(request, to, { memberships, joinedRooms, entries }),
      this.ignoredUsers(userId),
    ]);
    const { rooms, stripped } = planRooms(input);

    // 3. The sections, some rooms at a time.
    if (since === undefined) this.sent.forget(request);
    const body = new SyncBody(encodeToken(to));
    body.addAccountData(
      entries.filter(({ roomId, type }) => roomId === '' && filter.accountData(type)).map(toEvent),
    );
    if (rooms.length + stripped.length > 0) {
      for (const room of await this.stripped.load(userId, stripped, ignored)) body.addStripped(room);
      await this.addRooms(
        body,
        { request, to, ignored, accountData: await this.roomAccountData(request, to, rooms, entries) },
        rooms,
      );
    }
    return { body: body.toString(), isEmpty: body.isEmpty, positions: to, joinedRooms };
  }

  private async planInput(
    { userId, since, fullState, filter }: SyncRequest,
    to: StreamPositions,
    {
      memberships,
      joinedRooms,
      entries,
    }: Pick<PlanInput, 'memberships'> & {
      joinedRooms: readonly number[];
      entries: readonly AccountDataEntry[];
    },
  ): Promise<PlanInput> {
    const annotated = entries.flatMap(({ roomId, type }) =>
      roomId !== '' && filter.roomAccountData(roomId, type) ? [roomId] : [],
    );
    const input = {
      since: since?.events,
      to: to.events,
      fullState,
      includesLeft: filter.includesLeft,
      memberships,
      annotated: new Set<RoomId>(annotated),
    };
    const withHistory = roomsNeedingHistory(input);
    const [changed, timelines] = await Promise.all([
      since === undefined || since.events >= to.events
        ? new Set<number>()
        : this.timelines.changedRooms(joinedRooms, since.events, to.events),
      withHistory.length === 0 ? undefined : this.visibility.timelines(userId, withHistory),
    ]);
    const histories = new Map(
      [...(timelines ?? [])].map(([roomNid, { membership }]) => [roomNid, membership]),
    );
    return { ...input, changed, histories };
  }

  private async addRooms(body: SyncBody, context: SectionContext, plans: readonly RoomPlan[]): Promise<void> {
    for (let i = 0; i < plans.length; i += ROOMS_AT_ONCE) {
      const sections = this.sections.load(context, plans.slice(i, i + ROOMS_AT_ONCE));
      for await (const section of sections) body.addRoom(section);
    }
  }

  /** A room that is new to the client comes with all its account data. */
  private async roomAccountData(
    { userId, since, filter }: SyncRequest,
    to: StreamPositions,
    rooms: readonly RoomPlan[],
    changes: readonly AccountDataEntry[],
  ): Promise<Map<string, JsonObject[]>> {
    const fresh = new Set<string>(rooms.flatMap(({ isNew, roomId }) => (isNew ? [roomId] : [])));
    const isWhole = since === undefined || fresh.size === 0;
    const all = isWhole ? changes : await this.accountData.changes(userId, 0, to.account_data);
    const isTold = ({ roomId, type, position }: AccountDataEntry) =>
      roomId !== '' &&
      (fresh.has(roomId) || position > (since?.account_data ?? 0)) &&
      filter.roomAccountData(roomId, type);
    const events = new Map<string, JsonObject[]>();
    for (const [roomId, ofRoom] of Map.groupBy(all.filter(isTold), (entry) => entry.roomId)) {
      events.set(roomId, ofRoom.map(toEvent));
    }
    return events;
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
  private async ignoredUsers(userId: UserId): Promise<Set<string>> {
    const list = await this.accountData.find(userId, '', 'm.ignored_user_list');
    const users = list?.['ignored_users'];
    return new Set(isJsonObject(users) ? Object.keys(users) : []);
  }
}

function toEvent({ type, content }: AccountDataEntry): JsonObject {
  return { type, content };
}
