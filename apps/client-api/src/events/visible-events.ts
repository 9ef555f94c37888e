import type { ForkedVisibility, StoredEvent, TimelineValue, VisibilityTimelines } from '@atoll/database';
import { pointAfter, streamPositionAt, VisibilityReader } from '@atoll/database';
import { DUMMY_EVENT_TYPE, type JsonValue, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { type EventMoment, maySee, type VisibilityPoint } from './history-visibility.js';

/** What is judged of an event; without its content it is taken for one that changes nothing. */
export type JudgedEvent = Pick<StoredEvent, 'eventNid' | 'roomNid' | 'position' | 'beforePosition'> & {
  readonly pdu?: Pick<StoredEvent['pdu'], 'type' | 'state_key' | 'content'>;
};

/** Decides what a user may see of the events, of any number of rooms, with two queries. */
@Injectable()
export class VisibleEvents {
  constructor(private readonly visibility: VisibilityReader) {}

  /**
   * The viewer's membership at each event that the viewer may see, by event nid; the others have no entry. Events
   * without a position are never seen, nor are those that only merge forks.
   */
  async membershipsAt(viewer: UserId, events: readonly JudgedEvent[]): Promise<Map<number, string>> {
    const placed = events.filter((event) => event.position !== null && event.pdu?.type !== DUMMY_EVENT_TYPE);
    if (placed.length === 0) return new Map();
    const [timelines, forks] = await Promise.all([
      this.visibility.timelines(viewer, [...new Set(placed.map((event) => event.roomNid))]),
      this.visibility.forks(
        viewer,
        placed.map((event) => event.eventNid),
      ),
    ]);
    const seen = new Map<number, string>();
    for (const event of placed) {
      const ofRoom = timelines.get(event.roomNid);
      if (ofRoom === undefined) continue;
      const moment = momentOf(viewer, event, ofRoom, forks.get(event.eventNid));
      if (maySee(moment)) seen.set(event.eventNid, membershipName(moment.after.membership));
    }
    return seen;
  }
}

/** The state on either side of an event, from the room's timeline or, on a fork, from the state recorded with it. */
export function momentOf(
  viewer: UserId,
  event: JudgedEvent,
  timelines: VisibilityTimelines,
  fork: ForkedVisibility | undefined,
): EventMoment {
  const base = fork?.basePosition ?? (event.position ?? 0) - 1;
  const before: VisibilityPoint = {
    historyVisibility: (fork?.historyVisibility ?? valueAt(timelines.historyVisibility, base))?.value,
    membership: (fork?.membership ?? valueAt(timelines.membership, base))?.value,
  };
  const place = streamPositionAt(pointAfter(event));
  const joinedLater = timelines.membership.some(({ from, value }) => from > place && value === 'join');
  return { before, after: after(viewer, event, before), joinedLater };
}

function after(viewer: UserId, { pdu }: JudgedEvent, before: VisibilityPoint): VisibilityPoint {
  if (pdu?.type === 'm.room.member' && pdu.state_key === viewer) {
    return { ...before, membership: pdu.content['membership'] };
  }
  if (pdu?.type === 'm.room.history_visibility' && pdu.state_key === '') {
    return { ...before, historyVisibility: pdu.content['history_visibility'] };
  }
  return before;
}

function valueAt(timeline: readonly TimelineValue[], position: number): TimelineValue | undefined {
  return timeline.find(({ from, to }) => from <= position && (to === null || to > position));
}

/** Somebody without a member event has left, as clients are told. */
function membershipName(membership: JsonValue | undefined): string {
  return typeof membership === 'string' ? membership : 'leave';
}
