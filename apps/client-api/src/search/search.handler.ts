import { EventReader, type EventMatch, wordsOf } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../events/client-events.js';
import { IgnoredUsers } from '../events/ignored-users.js';
import { EventSearchKeeper } from './event-search-keeper.js';
import { ResultContexts } from './result-contexts.js';
import { ResultStates } from './result-states.js';
import { SearchMatches } from './search-matches.js';
import { SearchPaging, type SearchResult } from './search-page.js';
import type { RoomEventsSearch, Search } from './search.schema.js';
import { SearchTokens } from './search-token.js';
import { SearchableRooms } from './searchable-rooms.js';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
/** Events of an answer, those around the results among them. */
const MAX_EVENTS = 1_000;

/** Searches the events that a user may see. */
@Injectable()
export class SearchHandler {
  constructor(
    private readonly keeper: EventSearchKeeper,
    private readonly rooms: SearchableRooms,
    private readonly ignoredUsers: IgnoredUsers,
    private readonly found: SearchMatches,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
    private readonly contexts: ResultContexts,
    private readonly states: ResultStates,
    private readonly tokens: SearchTokens,
  ) {}

  /** @throws MatrixError 400 for a foreign token, 503 for what takes too long */
  async handle(viewer: Viewer, { search_categories }: Search, nextBatch?: string): Promise<JsonObject> {
    const { room_events } = search_categories;
    if (room_events === undefined) return { search_categories: {} };
    return { search_categories: { room_events: await this.searchRooms(viewer, room_events, nextBatch) } };
  }

  /**
   * 1. The index has what was sent just before.
   * 2. The newest matches in the user's rooms, as far as the user may see them.
   * 3. A page of them. What was redacted meanwhile is left out.
   * 4. What stands around them, the state of their rooms, and their groups, where asked for.
   */
  private async searchRooms(
    viewer: Viewer,
    search: RoomEventsSearch,
    nextBatch?: string,
  ): Promise<JsonObject> {
    const token = nextBatch === undefined ? undefined : this.tokens.decode(viewer.userId, nextBatch);
    const [ignored, , allRooms] = await Promise.all([
      this.ignoredUsers.of(viewer.userId),
      this.keeper.catchUp(),
      this.rooms.of(viewer.userId, search.filter),
    ]);
    const group = token?.group;
    const rooms =
      group?.[0] === 'room_id' ? allRooms.filter(({ room }) => room.roomId === group[1]) : allRooms;
    const found = await this.found.find(viewer.userId, search, { rooms, ignored, token });
    const paging = new SearchPaging(search, found, token, (next) => this.tokens.encode(viewer.userId, next));
    const limit = limitOf(search);
    const page = found.matches.slice(0, limit);
    const results = await this.serve(viewer, page, found.memberships);
    const next = paging.next(page, limit);
    const until = new Map(rooms.map(({ room, until }) => [room.roomNid, until]));
    const contexts =
      search.event_context &&
      (await this.contexts.of(viewer, results, search.event_context, { until, ignored }));
    return {
      count: paging.count,
      highlights: [...new Set(wordsOf(search.search_term))],
      results: results.map(({ match, served }, index) => ({
        rank: match.rank,
        result: served.body,
        ...(contexts && { context: contexts[index] ?? {} }),
      })),
      ...(search.include_state && {
        state: await this.states.of(viewer, results, rooms, search.filter.lazy_load_members === true),
      }),
      ...(search.groupings.group_by.length > 0 && { groups: paging.groups(results, next !== undefined) }),
      ...(next !== undefined && { next_batch: next }),
    };
  }

  private async serve(
    viewer: Viewer,
    page: readonly EventMatch[],
    memberships: ReadonlyMap<number, string>,
  ): Promise<SearchResult[]> {
    const found = await this.events.byNids(page.map(({ eventNid }) => eventNid));
    const events = [...found.values()].filter(({ redactedBecause }) => redactedBecause === undefined);
    const served = await this.clientEvents.serveSeen(viewer, events, memberships);
    const byNid = new Map(served.map((entry) => [entry.event.eventNid, entry]));
    return page.flatMap((match) => {
      const entry = byNid.get(match.eventNid);
      return entry === undefined ? [] : [{ match, served: entry }];
    });
  }
}

function limitOf({ filter, event_context }: RoomEventsSearch): number {
  const around = event_context === undefined ? 0 : event_context.before_limit + event_context.after_limit;
  return Math.min(filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT, Math.floor(MAX_EVENTS / (around + 1)));
}
