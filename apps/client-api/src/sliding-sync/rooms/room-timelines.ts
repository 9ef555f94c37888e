import { HistoryReader, type StoredEvent } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { isIgnored } from '../../events/ignored-users.js';
import { type FilledTimeline, TimelineFiller } from '../../sync/rooms/timeline-filler.js';
import type { SlidingContext } from '../sliding-context.js';
import type { PlannedRoom } from './plan-touched.js';

/** A room with its timeline. */
export interface TimedSlidingRoom extends PlannedRoom {
  readonly timeline: FilledTimeline;
  /** The timeline has events that were told before the client asked for more of them. */
  readonly tellsOlder: boolean;
}

/** Fills the timelines of rooms, each with as many events as are asked for in it. */
@Injectable()
export class RoomTimelines {
  constructor(
    private readonly filler: TimelineFiller,
    private readonly history: HistoryReader,
  ) {}

  /** `seen`: the user's membership at each event. */
  async load(
    { request: { userId }, ignored }: SlidingContext,
    planned: readonly PlannedRoom[],
  ): Promise<{ rooms: TimedSlidingRoom[]; seen: ReadonlyMap<number, string> }> {
    const matches = (event: StoredEvent) => !isIgnored(event, ignored);
    const seen = new Map<number, string>();
    const timelines = new Map<number, FilledTimeline>();
    const byLimit = Map.groupBy(planned, ({ room }) => room.match.config.timelineLimit);
    for (const [limit, ofLimit] of byLimit) {
      const stretches = ofLimit.map(({ plan }) => ({
        roomNid: plan.roomNid,
        ...plan.timeline,
        shownNid: plan.shownNid,
      }));
      const filled = await this.filler.fill(userId, stretches, { limit, matches, relatedBy: {} });
      for (const [nid, membership] of filled.seen) seen.set(nid, membership);
      for (const [roomNid, timeline] of filled.byRoom) timelines.set(roomNid, timeline);
    }
    const whole = planned.filter(({ plan }) => plan.timeline.from === 0).map(({ plan }) => plan.roomNid);
    const older = whole.length === 0 ? new Set<number>() : await this.history.withOlder(whole);
    const rooms = planned.flatMap((room): TimedSlidingRoom[] => {
      const timeline = timelines.get(room.plan.roomNid);
      if (timeline === undefined) return [];
      const isLimited = timeline.isLimited || older.has(room.plan.roomNid);
      return [withoutKnown({ ...room, timeline: { ...timeline, isLimited }, tellsOlder: false })];
    });
    return { rooms, seen };
  }
}

/** When there turn out to be no more events than the client has, only the new ones are told. */
function withoutKnown(timed: TimedSlidingRoom): TimedSlidingRoom {
  const { room, plan, timeline } = timed;
  if (!room.isExpanded || plan.isNew || room.known === undefined || room.from === undefined) return timed;
  if (timeline.events.length > room.known.timelineLimit) return { ...timed, tellsOlder: true };
  const since = room.from.events;
  const events = timeline.events.filter(({ position }) => (position ?? 0) > since);
  // Unless something was missed since then.
  const isLimited = timeline.isLimited && timeline.start >= since;
  return { ...timed, timeline: { ...timeline, events, isLimited } };
}
