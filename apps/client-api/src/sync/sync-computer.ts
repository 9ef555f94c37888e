import type { Config } from '@atoll/config';
import {
  AccountDataReader,
  type AccountDataEntry,
  currentPositions,
  type Database,
  type StreamChange,
  type StreamPositions,
  type SyncMembership,
  SyncMembershipReader,
  SyncTimelineReader,
  VisibilityReader,
} from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { accountDataEvent, allGlobalEvents } from '../account-data/account-data-events.js';
import { IgnoredUsers } from '../events/ignored-users.js';
import { KeyNews } from '../keys/news/key-news.js';
import { CONFIG, DATABASE } from '../platform/tokens.js';
import { DeviceInbox, type ToldToDevice } from './device-inbox.js';
import { PresenceEvents } from './presence-events.js';
import { EphemeralEvents } from './rooms/ephemeral-events.js';
import { planRooms, type PlanInput, type RoomPlan, roomsNeedingHistory } from './rooms/room-plan.js';
import { RoomSections, type SectionContext } from './rooms/room-sections.js';
import { SentMembers, type SyncStep } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { SyncBody } from './sync-body.js';
import type { SyncRequest } from './sync-request.js';
import { encodeSyncToken, newChain } from './sync-token.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

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
    private readonly ephemeral: EphemeralEvents,
    private readonly presence: PresenceEvents,
    private readonly stripped: StrippedRooms,
    private readonly sent: SentMembers,
    private readonly ignored: IgnoredUsers,
    private readonly inbox: DeviceInbox,
    private readonly keys: KeyNews,
    private readonly waiting: WaitingSyncs,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param known positions that are visible and new enough for this request; read when absent */
  async compute(request: SyncRequest, known?: StreamPositions): Promise<ComputedSync> {
    const { userId, since, filter } = request;

    // 1. The upper bound: nothing newer is read, so that a commit meanwhile is told whole by the next sync or by this one.
    const to = notBefore(known ?? (await currentPositions(this.database.db)), since);

    // 2. What the user has there, and which of it changed. Where this process followed what happened since, it asks for less.
    const happened = since && this.waiting.changesBetween('events', since.events, to.events);
    const membersChanged = happened === undefined || happened.some((change) => change.userId !== null);
    const [all, entries] = await Promise.all([
      this.memberships.membershipsAt(userId, to.events),
      this.accountDataChanges(request, to),
    ]);
    const memberships = all.filter(({ roomId }) => filter.includesRoom(roomId));
    const joinedRooms = joinedOf(memberships);
    const allJoinedRooms = joinedOf(all);
    const [input, ignored, toDevice] = await Promise.all([
      this.planInput(request, to, { memberships, joinedRooms, entries, happened }),
      this.ignored.of(userId),
      this.toDevice(request, to),
    ]);
    const { rooms, stripped } = planRooms(input);
    const fresh = rooms.filter(({ section, isNew }) => section === 'join' && isNew);
    const [presence, keys] = await Promise.all([
      this.presence.load(
        request,
        to,
        {
          joined: joinedRooms,
          changed: membersChanged ? input.changed : new Set(),
          fresh: fresh.map(({ roomNid }) => roomNid),
        },
        ignored,
      ),
      // Of all rooms, whatever the filter says: other syncs of the device show those.
      this.keys.load(
        { ...request, to },
        {
          joined: allJoinedRooms,
          stirred: memberships.length === all.length ? [...input.changed] : allJoinedRooms,
          membersChanged,
        },
      ),
    ]);

    // 3. The sections, some rooms at a time.
    const step = stepOf(request, { ...to, to_device: toDevice.upTo });
    const members = { known: this.sent.knownAt(request, step.since), told: new Set<number>() };
    const body = new SyncBody(step.next);
    body.addToDevice(toDevice.events);
    body.addAccountData(globalAccountData(request, entries, this.config));
    if (rooms.length + stripped.length > 0) {
      for (const room of await this.stripped.load(userId, stripped, ignored)) body.addStripped(room);
      await this.addRooms(
        body,
        {
          request,
          to,
          ignored,
          members,
          accountData: await this.roomAccountData(request, rooms, entries),
        },
        rooms,
      );
    }
    body.addPresence(presence);
    body.addKeys(keys);
    if (filter.state.isLazy) this.sent.note(request, step, members.told);
    return { body: body.toString(), isEmpty: body.isEmpty, positions: to, joinedRooms: allJoinedRooms };
  }

  private async accountDataChanges(
    { userId, since }: SyncRequest,
    to: StreamPositions,
  ): Promise<AccountDataEntry[]> {
    const from = since?.account_data ?? 0;
    const changes = since && this.waiting.changesBetween('account_data', from, to.account_data);
    if (changes?.every((change) => change.userId !== userId) === true) return [];
    return this.accountData.changes(userId, from, to.account_data);
  }

  private async changedRooms(
    from: number,
    to: number,
    joinedRooms: readonly number[],
    happened: readonly StreamChange[] | undefined,
  ): Promise<ReadonlySet<number>> {
    if (from >= to) return new Set();
    if (happened === undefined) return this.timelines.changedRooms(joinedRooms, from, to);
    const joined = new Set<number | null>(joinedRooms);
    return new Set(
      happened.flatMap(({ roomNid }) => (roomNid !== null && joined.has(roomNid) ? [roomNid] : [])),
    );
  }

  private async toDevice(request: SyncRequest, to: StreamPositions): Promise<ToldToDevice> {
    const since = request.since?.to_device ?? 0;
    return request.toDevice ? this.inbox.next(request, since, to.to_device) : { events: [], upTo: since };
  }

  private async planInput(
    request: SyncRequest,
    to: StreamPositions,
    {
      memberships,
      joinedRooms,
      entries,
      happened,
    }: Pick<PlanInput, 'memberships'> & {
      joinedRooms: readonly number[];
      entries: readonly AccountDataEntry[];
      happened: readonly StreamChange[] | undefined;
    },
  ): Promise<PlanInput> {
    const { userId, since, fullState, filter } = request;
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
    const [changed, stirred, timelines] = await Promise.all([
      this.changedRooms(since?.events ?? to.events, to.events, joinedRooms, happened),
      this.ephemeral.changedRooms(request, joinedRooms, to),
      withHistory.length === 0 ? undefined : this.visibility.timelines(userId, withHistory),
    ]);
    const histories = new Map(
      [...(timelines ?? [])].map(([roomNid, { membership }]) => [roomNid, membership]),
    );
    return { ...input, changed, stirred, histories };
  }

  private async addRooms(body: SyncBody, context: SectionContext, plans: readonly RoomPlan[]): Promise<void> {
    for (let i = 0; i < plans.length; i += ROOMS_AT_ONCE) {
      const sections = this.sections.load(context, plans.slice(i, i + ROOMS_AT_ONCE));
      for await (const section of sections) body.addRoom(section);
    }
  }

  /** A room that is new to the client comes with all its account data; of others come changes and deletions. */
  private async roomAccountData(
    { userId, since, filter }: SyncRequest,
    rooms: readonly RoomPlan[],
    changes: readonly AccountDataEntry[],
  ): Promise<Map<string, JsonObject[]>> {
    const fresh = new Set<string>(rooms.flatMap(({ isNew, roomId }) => (isNew ? [roomId] : [])));
    const isWhole = since === undefined || fresh.size === 0;
    const before = isWhole ? [] : await this.accountData.changes(userId, 0, since.account_data);
    const all = [...before.filter(({ roomId }) => fresh.has(roomId)), ...changes];
    const isTold = ({ roomId, type }: AccountDataEntry) =>
      roomId !== '' && filter.roomAccountData(roomId, type);
    const events = new Map<string, JsonObject[]>();
    for (const [roomId, ofRoom] of Map.groupBy(all.filter(isTold), (entry) => entry.roomId)) {
      events.set(
        roomId,
        ofRoom.map((entry) => accountDataEvent(userId, entry, this.config)),
      );
    }
    return events;
  }
}

/** What is acknowledged is deleted, so that the newest position in the table may be an earlier one: a token never goes back. */
function notBefore(to: StreamPositions, since: StreamPositions | undefined): StreamPositions {
  return { ...to, to_device: Math.max(to.to_device, since?.to_device ?? 0) };
}

function joinedOf(memberships: readonly SyncMembership[]): number[] {
  return memberships.flatMap(({ membership, roomNid }) => (membership === 'join' ? [roomNid] : []));
}

/** With a first sync, or with the first that loads lazily, a chain of tokens begins: nobody is known there. */
function stepOf({ since, chain, filter }: SyncRequest, to: StreamPositions): SyncStep {
  const hasChain = since !== undefined && chain !== undefined;
  const nextChain = hasChain ? chain : filter.state.isLazy ? newChain() : undefined;
  return {
    since: hasChain ? encodeSyncToken({ positions: since, chain }) : undefined,
    next: encodeSyncToken({ positions: to, chain: nextChain }),
  };
}

function globalAccountData(
  { userId, since, filter }: SyncRequest,
  entries: readonly AccountDataEntry[],
  config: Config,
): JsonObject[] {
  const global = entries.filter(({ roomId }) => roomId === '');
  const events =
    since === undefined
      ? allGlobalEvents(userId, global, config)
      : global.map((entry) => accountDataEvent(userId, entry, config));
  return events.filter(({ type }) => filter.accountData(type as string));
}
