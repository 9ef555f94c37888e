import { EventReader, type RoomRange, type StoredEvent, SyncTimelineReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { VisibleEvents } from '../../events/visible-events.js';
import { type RelatedBy, RelatedEvents } from '../../relations/related-events.js';
import { TimelineGaps } from './timeline-gaps.js';

/** The stretch of a room's timeline to tell; `shownNid` is seen whatever the history visibility says. */
export interface TimelineRequest extends RoomRange {
  readonly shownNid: number | undefined;
}

/** The newest events of a stretch that the user may see and wants, the oldest first. */
export interface FilledTimeline {
  readonly events: readonly StoredEvent[];
  /** There are older ones in the stretch, or just before it some that this server missed. */
  readonly isLimited: boolean;
  /** The position behind which the events lie. */
  readonly start: number;
}

/** What a user wants of timelines, and how much at most of each. */
export interface WantedTimeline {
  readonly limit: number;
  readonly matches: (event: StoredEvent) => boolean;
  readonly relatedBy: RelatedBy;
}

export interface FilledTimelines {
  readonly byRoom: ReadonlyMap<number, FilledTimeline>;
  /** The user's membership at each event. */
  readonly seen: ReadonlyMap<number, string>;
}

interface OpenTimeline extends TimelineRequest {
  /** The newest first. */
  readonly found: StoredEvent[];
}

/** Entries of a timeline, the newest first; without the event where it is not told. */
interface TimelineStretch {
  readonly entries: readonly { position: number; event: StoredEvent | undefined }[];
  /** Before the last of them something is missing: what is older does not belong to the same timeline. */
  readonly endsAtGap: boolean;
}

const NOTHING: TimelineStretch = { entries: [], endsAtGap: false };

/** How many events a sparse filter may walk over, in a room: the sum of the growing pages. */
const ROUNDS = 4;
const GROWTH = 4;
const LARGEST_PAGE = 500;

/** Fills the timelines of many rooms at once: a round reads one page of each room that still lacks events. */
@Injectable()
export class TimelineFiller {
  constructor(
    private readonly timelines: SyncTimelineReader,
    private readonly events: EventReader,
    private readonly visible: VisibleEvents,
    private readonly gaps: TimelineGaps,
    private readonly related: RelatedEvents,
  ) {}

  async fill(
    userId: UserId,
    requests: readonly TimelineRequest[],
    wanted: WantedTimeline,
  ): Promise<FilledTimelines> {
    const { limit } = wanted;
    const seen = new Map<number, string>();
    const byRoom = new Map<number, FilledTimeline>();
    let open: OpenTimeline[] = requests.map((request) => ({ ...request, found: [] }));
    let size = limit + 1;
    for (let round = 0; round < ROUNDS && open.length > 0; round++) {
      const pages = await this.readPages(userId, open, size, wanted, seen);
      const unfinished: OpenTimeline[] = [];
      for (const timeline of open) {
        const { entries, endsAtGap } = pages.get(timeline.roomNid) ?? NOTHING;
        timeline.found.push(...entries.flatMap(({ event }) => event ?? []));
        const end = entries.at(-1)?.position ?? timeline.to;
        if (endsAtGap) {
          byRoom.set(timeline.roomNid, { ...finish(timeline, limit, end - 1), isLimited: true });
        } else if (timeline.found.length > limit || entries.length < size) {
          byRoom.set(timeline.roomNid, finish(timeline, limit, timeline.from));
        } else {
          unfinished.push({ ...timeline, to: end - 1 });
        }
      }
      open = unfinished;
      size = Math.min(size * GROWTH, LARGEST_PAGE);
    }
    for (const timeline of open)
      byRoom.set(timeline.roomNid, { ...finish(timeline, limit, timeline.to), isLimited: true });
    return { byRoom, seen };
  }

  /** The next page of each room. Adds to `seen`. */
  private async readPages(
    userId: UserId,
    open: readonly OpenTimeline[],
    size: number,
    { matches, relatedBy }: WantedTimeline,
    seen: Map<number, string>,
  ): Promise<Map<number, TimelineStretch>> {
    const entries = await this.timelines.newest(open, size);
    const events = await this.events.byNids([...entries.values()].flat().map(({ eventNid }) => eventNid));
    const wanted = await this.related.among(userId, [...events.values()].filter(matches), relatedBy);
    for (const [nid, membership] of await this.visible.membershipsAt(userId, wanted))
      seen.set(nid, membership);
    for (const { shownNid } of open) {
      const shown = shownNid === undefined ? undefined : events.get(shownNid);
      const membership = shown?.pdu.content['membership'];
      // Where a state resolution removed the membership, the event which caused that is no own one.
      const isOwn = shown?.pdu.type === 'm.room.member' && shown.pdu.state_key === userId;
      if (isOwn && typeof membership === 'string' && wanted.includes(shown))
        seen.set(shown.eventNid, membership);
    }
    const behindGaps = await this.gaps.behind(events.values());
    const pages = new Map<number, TimelineStretch>();
    for (const [roomNid, page] of entries) {
      const gap = page.findIndex(({ eventNid }) => behindGaps.has(eventNid));
      const connected = gap === -1 ? page : page.slice(0, gap + 1);
      pages.set(roomNid, {
        entries: connected.map(({ position, eventNid }) => ({
          position,
          event: seen.has(eventNid) ? events.get(eventNid) : undefined,
        })),
        endsAtGap: gap !== -1,
      });
    }
    return pages;
  }
}

function finish({ found }: OpenTimeline, limit: number, emptyStart: number): FilledTimeline {
  const events = found.slice(0, limit).reverse();
  const isLimited = found.length > limit;
  const first = events[0]?.position ?? undefined;
  if (first !== undefined) return { events, isLimited, start: first - 1 };
  // Nothing was wanted, though there is something.
  return { events, isLimited, start: isLimited ? (found[0]?.position ?? emptyStart) : emptyStart };
}
