import type { UserId } from '@atoll/matrix';

/** A time in which a member event was in force. */
export interface MembershipSpan {
  readonly isJoined: boolean;
  /** It was in force at the beginning of the stretch that is looked at, or at its end. */
  readonly isAtFrom: boolean;
  readonly isAtTo: boolean;
}

/** For users and rooms, all spans that overlap a stretch. */
export type Presences = Map<UserId, Map<number, readonly MembershipSpan[]>>;

export interface SharingChanges {
  /** Users who share a room now, and there is none that they shared all the time; the reader itself when it came to a room. */
  readonly joined: readonly UserId[];
  /** Users who shared a room, and share none now. */
  readonly left: readonly UserId[];
}

/** Compares where everybody is with where they were. */
export function sharingChanges(reader: UserId, presences: Presences): SharingChanges {
  const own = presences.get(reader) ?? new Map<number, readonly MembershipSpan[]>();
  const joined: UserId[] = [];
  const left: UserId[] = [];
  for (const [userId, rooms] of presences) {
    if (userId === reader) {
      if ([...own.values()].some((spans) => isJoinedAtTo(spans) && !isJoinedThroughout(spans)))
        joined.push(userId);
      continue;
    }
    const shares = (is: (spans: readonly MembershipSpan[]) => boolean) =>
      Array.from(rooms).some(([roomNid, spans]) => is(spans) && is(own.get(roomNid) ?? []));
    if (!shares(isJoinedAtTo)) {
      if (shares(isJoinedAtFrom)) left.push(userId);
    } else if (!shares(isJoinedThroughout)) joined.push(userId);
  }
  return { joined, left };
}

function isJoinedAtFrom(spans: readonly MembershipSpan[]): boolean {
  return spans.some(({ isJoined, isAtFrom }) => isJoined && isAtFrom);
}

function isJoinedAtTo(spans: readonly MembershipSpan[]): boolean {
  return spans.some(({ isJoined, isAtTo }) => isJoined && isAtTo);
}

function isJoinedThroughout(spans: readonly MembershipSpan[]): boolean {
  return isJoinedAtFrom(spans) && spans.every(({ isJoined }) => isJoined);
}
