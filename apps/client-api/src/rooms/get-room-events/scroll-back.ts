import type { RoomRecord } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { OlderHistory } from './older-history.js';
import { type PageRange, type TimelinePage, TimelinePages } from './timeline-pages.js';

/** For all that one answer asks of other servers. */
const FETCH_MS = 20_000;
const MAX_FETCHES = 3;

/** Pages of a room's timeline; one going back goes on where this server's knowledge ends. */
@Injectable()
export class ScrollBack {
  constructor(
    private readonly pages: TimelinePages,
    private readonly older: OlderHistory,
  ) {}

  /**
   * 1. A page of what is here.
   * 2. Where that ends before the page is full, and other servers may know more, they are asked, and the page goes on.
   * 3. It has an end as long as more may be had: also when nobody could be asked in time, or the page is full just where
   *    this server's knowledge ends. Without an answer nothing is said to the client: it comes again.
   *
   * A page up to `to` needs nobody: what is fetched lies before all points that have been told.
   */
  async read(viewer: Viewer, room: RoomRecord, range: PageRange): Promise<TimelinePage> {
    let page = await this.pages.read(viewer, room.roomNid, range);
    if (range.dir === 'f' || range.to !== undefined || range.limit === 0) return page;
    const deadline = performance.now() + FETCH_MS;
    for (let fetches = 0; page.end === undefined && (await this.older.isIncomplete(room)); fetches++) {
      const missing = range.limit - page.served.length;
      const timeoutMs = Math.ceil(deadline - performance.now());
      if (missing <= 0 || fetches === MAX_FETCHES || timeoutMs <= 0) return { ...page, end: page.reached };
      const fetched = await this.older.fetch(room, missing, timeoutMs);
      if (fetched === 'failed') return { ...page, end: page.reached };
      if (fetched === 'nothing') return page;
      const next = await this.pages.read(viewer, room.roomNid, {
        ...range,
        from: page.reached,
        limit: missing,
      });
      page = { ...next, served: [...page.served, ...next.served], start: page.start };
    }
    return page;
  }
}
