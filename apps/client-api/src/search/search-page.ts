import type { EventMatch } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import type { ServedEvent } from '../events/client-events.js';
import type { VisibleMatches } from './search-matches.js';
import type { RoomEventsSearch } from './search.schema.js';
import type { SearchToken } from './search-token.js';

/** A match that is shown. */
export interface SearchResult {
  readonly match: EventMatch;
  readonly served: ServedEvent;
}

type GroupKey = NonNullable<SearchToken['group']>[0];

/** Where the pages of one search go on. */
export class SearchPaging {
  readonly count: number;

  constructor(
    private readonly search: RoomEventsSearch,
    private readonly found: VisibleMatches,
    private readonly token: SearchToken | undefined,
    private readonly encoded: (token: SearchToken) => string,
  ) {
    this.count = token?.count ?? found.matches.length;
  }

  /**
   * The token of the next page. A full page has one, so that the last page is empty; so has one that hidden matches kept from being full, in
   * the order of time: the rank is among the newest matches only.
   */
  next(page: readonly EventMatch[], limit: number): string | undefined {
    const last = page.at(-1);
    if (last !== undefined && page.length >= limit) return this.behind(last, this.token?.group);
    const { olderFrom } = this.found;
    if (olderFrom === undefined || this.search.order_by === 'rank') return undefined;
    return this.encode({ until: olderFrom }, this.token?.group);
  }

  /** The groups of a page; they go on as long as the page does. */
  groups(results: readonly SearchResult[], isMore: boolean): JsonObject {
    const keys = new Set(this.search.groupings.group_by.map(({ key }) => key));
    return Object.fromEntries([...keys].map((key) => [key, this.groupsBy(key, results, isMore)]));
  }

  private groupsBy(key: GroupKey, results: readonly SearchResult[], isMore: boolean): JsonObject {
    const groups = Map.groupBy(results, ({ served: { event } }) =>
      key === 'room_id' ? event.roomId : event.pdu.sender,
    );
    const entries = [...groups].map(([id, members], index) => {
      const last = members.at(-1);
      const group = {
        order: index + 1,
        results: members.map(({ served }) => served.event.eventId),
        ...(isMore && last !== undefined && { next_batch: this.behind(last.match, [key, id]) }),
      };
      return [id, group] as const;
    });
    return Object.fromEntries(entries);
  }

  private behind({ position, rank }: EventMatch, group: SearchToken['group']): string {
    if (this.search.order_by === 'recent') return this.encode({ until: position - 1 }, group);
    const until = this.token?.until ?? this.found.newest ?? position;
    return this.encode({ until, after: [rank, position] }, group);
  }

  private encode(at: Pick<SearchToken, 'until' | 'after'>, group: SearchToken['group']): string {
    return this.encoded({ ...at, count: this.count, ...(group && { group }) });
  }
}
