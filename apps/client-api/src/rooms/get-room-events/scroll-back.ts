import { isUpTo, pointAt, pointBeforeHistoryOf, type RoomRecord } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { type Fetched, type HistoryQuestion, OlderHistory } from './older-history.js';
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
   *    again.
   * 3. It goes over a place of which nobody knows more. It ends before one about which nobody could be asked, for its client to come again; but if
   *    it is empty then, it goes over that, too: what is here must be readable whatever other servers do.
   * 4. It has an end as long as more may be had: also when the page is full just where this server's knowledge ends, or enough was asked for
   *    one answer. It may be empty then. Without an answer of other servers nothing is said to the client.
   */
  async read(viewer: Viewer, room: RoomRecord, range: PageRange): Promise<TimelinePage> {
    let page = await this.pages.read(viewer, room.roomNid, range);
    if (range.dir === 'f' || range.limit === 0) return page;
    const deadline = performance.now() + FETCH_MS;
    let from = range.from;
    let isAdded = false;
    for (let fetches = 0; ; fetches++) {
      const before = await this.older.gapBetween(room, from, page.end ? page.reached : range.to);
      if (before === undefined) return page;
      const isAtEnd = page.end === undefined && range.to === undefined && page.reached[0] >= before;
      const timeoutMs = Math.ceil(deadline - performance.now());
      const isEnough = fetches === MAX_FETCHES || timeoutMs <= 0;
      if (isAtEnd && (isEnough || page.served.length >= range.limit)) return { ...page, end: page.reached };
      if (isEnough) return this.pageUpTo(viewer, room, range, before);
      const events = range.limit - (isAtEnd ? page.served.length : 0);
      const fetched = await this.fetch(room, isAtEnd, { before, events, timeoutMs });
      if (fetched === 'failed') {
        if (isAtEnd) return { ...page, end: page.reached };
        const upTo = await this.pageUpTo(viewer, room, range, before);
        if (upTo.served.length > 0 || isAdded) return upTo;
      } else {
        const read = page.reached;
        // Also when nothing came by this request: another one may have brought it meanwhile.
        page = await this.pages.read(viewer, room.roomNid, range);
        if (fetched === 'nothing' && isAtEnd && isUpTo(read, page.reached)) return page;
      }
      if (fetched === 'added') isAdded = true;
      else from = pointAt(before - 1);
    }
  }

  private fetch(room: RoomRecord, isAtEnd: boolean, question: HistoryQuestion): Promise<Fetched> {
    // At the end there is nothing else to show: whoever comes again asks again.
    return isAtEnd ? this.older.fetch(room, question) : this.older.fetchOnce(room, question);
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
