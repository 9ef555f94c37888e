import type { SyncMembership, TimelineValue } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';

/** What a sync tells of a room that the user is or was in. */
export interface RoomPlan {
  readonly section: 'join' | 'leave';
  readonly roomNid: number;
  readonly roomId: RoomId;
  /** `from < position <= to` */
  readonly timeline: { readonly from: number; readonly to: number };
  /** The position whose state the client has; undefined when it needs all of it. */
  readonly knownState: number | undefined;
  /** The last position of which the user may know the state. */
  readonly stateEnd: number;
  /** The client knows nothing of the room, or nothing newer than a time when the user was away. */
  readonly isNew: boolean;
  /** The user's own leave, which is shown whatever the history visibility says. */
  readonly shownNid: number | undefined;
}

/** An invite or a knock: only stripped state is told. */
export interface StrippedPlan {
  readonly section: 'invite' | 'knock';
  readonly membership: SyncMembership;
}

/** As of the upper bound `to`; `since` is undefined for a first sync. */
export interface PlanInput {
  readonly since: number | undefined;
  readonly to: number;
  readonly fullState: boolean;
  readonly includesLeft: boolean;
  readonly memberships: readonly SyncMembership[];
  /** The user's memberships over time: of the rooms in {@link roomsNeedingHistory}. */
  readonly histories: ReadonlyMap<number, readonly TimelineValue[]>;
  /** Joined rooms in which something happened. */
  readonly changed: ReadonlySet<number>;
  /** Rooms whose account data changed. */
  readonly annotated: ReadonlySet<RoomId>;
  /** Joined rooms in which something changed that is no event of the timeline: typing, receipts. */
  readonly stirred: ReadonlySet<number>;
}

/** The rooms whose plan depends on more than the present membership. */
export function roomsNeedingHistory(
  input: Pick<PlanInput, 'since' | 'fullState' | 'includesLeft' | 'memberships'>,
): number[] {
  const { since } = input;
  return input.memberships.flatMap((membership) => {
    const isNeeded = isLeft(membership)
      ? isListedWhenLeft(membership, input)
      : since !== undefined && isRejoinCandidate(membership, since);
    return isNeeded ? [membership.roomNid] : [];
  });
}

/** Decides which rooms a sync lists, where, and from when on. */
export function planRooms(input: PlanInput): { rooms: RoomPlan[]; stripped: StrippedPlan[] } {
  const rooms: RoomPlan[] = [];
  const stripped: StrippedPlan[] = [];
  for (const record of input.memberships) {
    const { membership, position } = record;
    if (membership === 'join') rooms.push(...planJoined(record, input));
    else if (membership === 'invite' || membership === 'knock') {
      const isNews = input.since === undefined || position > input.since;
      if (isNews) stripped.push({ section: membership, membership: record });
    } else if (isListedWhenLeft(record, input)) rooms.push(planLeft(record, input));
  }
  return { rooms, stripped };
}

function planJoined(membership: SyncMembership, input: PlanInput): RoomPlan[] {
  const { since, to, fullState } = input;
  const { roomNid, roomId } = membership;
  const room = { section: 'join' as const, roomNid, roomId, stateEnd: to, shownNid: undefined };
  const history = upTo(to, input.histories.get(roomNid));
  if (since === undefined || (isRejoinCandidate(membership, since) && !stayedJoined(history, since))) {
    return [{ ...room, timeline: { from: 0, to }, knownState: undefined, isNew: true }];
  }
  const isTouched = input.changed.has(roomNid) || input.annotated.has(roomId) || input.stirred.has(roomNid);
  if (!fullState && !isTouched) return [];
  return [
    { ...room, timeline: { from: since, to }, knownState: fullState ? undefined : since, isNew: false },
  ];
}

/** Tells of a room that was left, whether the leave is news or not. */
export function planLeft(
  membership: SyncMembership,
  input: Pick<PlanInput, 'since' | 'to' | 'fullState' | 'histories'>,
): RoomPlan {
  const { since, to, fullState } = input;
  const { roomNid, roomId, position, eventNid } = membership;
  const room = { section: 'leave' as const, roomNid, roomId, shownNid: eventNid };
  const history = upTo(to, input.histories.get(roomNid));
  const departure = departureOf(history);
  if (departure === undefined) {
    // Never joined: nothing but the own event, such as a rejected invite, may be known.
    const timeline = { from: position - 1, to: position };
    return { ...room, timeline, knownState: position, stateEnd: position, isNew: false };
  }
  const isNew = since === undefined || (departure > since && valueAt(history, since) !== 'join');
  return {
    ...room,
    timeline: { from: isNew ? 0 : since, to: position },
    knownState: isNew || fullState ? undefined : since,
    stateEnd: departure,
    isNew,
  };
}

/** Where a user left a room for the last time: the last position of which the user may know the state. */
export function departureOf(history: readonly TimelineValue[]): number | undefined {
  return history.findLast(({ value }) => value === 'join')?.to ?? undefined;
}

function isLeft({ membership }: SyncMembership): boolean {
  return membership === 'leave' || membership === 'ban';
}

/** A leave is told once, also of a forgotten room; later only to clients that ask for their archive. */
function isListedWhenLeft(
  { position, forgotten }: SyncMembership,
  { since, fullState, includesLeft }: Pick<PlanInput, 'since' | 'fullState' | 'includesLeft'>,
): boolean {
  if (since !== undefined && position > since) return true;
  return (since === undefined || fullState) && includesLeft && !forgotten;
}

/** A member event since then may be a join, or only a new display name. */
function isRejoinCandidate({ membership, position }: SyncMembership, since: number): boolean {
  return membership === 'join' && position > since;
}

function stayedJoined(history: readonly TimelineValue[], since: number): boolean {
  return (
    valueAt(history, since) === 'join' &&
    history.every(({ from, value }) => from <= since || value === 'join')
  );
}

function valueAt(history: readonly TimelineValue[], position: number) {
  return history.find(({ from, to }) => from <= position && (to === null || to > position))?.value;
}

function upTo(position: number, history: readonly TimelineValue[] = []): TimelineValue[] {
  return history.filter(({ from }) => from <= position);
}
