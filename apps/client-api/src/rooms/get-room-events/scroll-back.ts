import { pointAt, pointBeforeHistoryOf, type RoomRecord } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { OlderHistory } from './older-history.js';
import { type PageRange, type TimelinePage, TimelinePages } from './timeline-pages.js';

/** For all that one answer asks of other servers. */
const FETCH_MS = 20_000;
const MAX_FETCHES = 3;

/** Pages of a room's timeline; one going back fills what this server missed on the way, and goes on where its knowledge ends. */
@Injectable()
export class ScrollBack {
  constructor(
    private readonly pages: TimelinePages,
    private readonly older: OlderHistory,
  ) {}

  /**
   * 1. A page of what is here.
   * 2. Where it goes over a place at which something is missing, or ends at one before it is full, other servers are asked, and it is read
   *    again. When nobody has it, or can be asked, the page goes over that place.
   * 3. It ends before a place that could not be filled in time. It has an end as long as more may be had: also when nobody could be asked, or the
   *    page is full just where this server's knowledge ends. Without an answer nothing is said to the client: it comes again.
   *
   * A page up to `to` needs nobody: its client has what lies there.
   */
  async read(viewer: Viewer, room: RoomRecord, range: PageRange): Promise<TimelinePage> {
    let page = await this.pages.read(viewer, room.roomNid, range);
    if (range.dir === 'f' || range.to !== undefined || range.limit === 0) return page;
    const deadline = performance.now() + FETCH_MS;
    let from = range.from;
    for (let fetches = 0; ; fetches++) {
      const before = await this.older.gapBetween(room, from, page.end && page.reached);
      if (before === undefined) return page;
      const isAtEnd = page.end === undefined && page.reached[0] >= before;
      const timeoutMs = Math.ceil(deadline - performance.now());
      if (isAtEnd && page.served.length >= range.limit) return { ...page, end: page.reached };
      if (fetches === MAX_FETCHES || timeoutMs <= 0) return this.pageUpTo(viewer, room, range, before);
      const events = range.limit - (isAtEnd ? page.served.length : 0);
      const fetched = await this.older.fetch(room, { before, events, timeoutMs });
      if (fetched === 'added') page = await this.pages.read(viewer, room.roomNid, range);
      else if (isAtEnd) return fetched === 'failed' ? { ...page, end: page.reached } : page;
      else from = pointAt(before - 1);
    }
  }

  private async pageUpTo(
    viewer: Viewer,
    room: RoomRecord,
    range: PageRange,
    before: number,
  ): Promise<TimelinePage> {
    const to = pointBeforeHistoryOf(before);
    const page = await this.pages.read(viewer, room.roomNid, { ...range, to });
    return { ...page, end: page.end ?? page.reached };
  }
}
