import { type EventMatch, EventSearchReader, type SearchKey } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { compileTypes } from '../events/room-event-filter.js';
import { VisibleEvents } from '../events/visible-events.js';
import type { RoomEventsSearch } from './search.schema.js';
import type { SearchToken } from './search-token.js';
import type { SearchableRoom } from './searchable-rooms.js';

/** Matches that one request looks through, the newest: of more, those are ranked and counted. */
const MAX_MATCHES = 1_000;

const TYPE_OF: Readonly<Record<SearchKey, string>> = {
  'content.body': 'm.room.message',
  'content.name': 'm.room.name',
  'content.topic': 'm.room.topic',
};

/** The matches that a user may see. */
export interface VisibleMatches {
  /** In the wanted order. */
  readonly matches: readonly EventMatch[];
  /** The user's membership at each, by event nid. */
  readonly memberships: ReadonlyMap<number, string>;
  /** The position of the newest of them, none when there are none. */
  readonly newest: number | undefined;
  /** There may be older ones, from this position on: the one before the oldest match that was looked at, seen or not. */
  readonly olderFrom: number | undefined;
}

/** Finds what a search matches, and leaves out what the user may not see. */
@Injectable()
export class SearchMatches {
  constructor(
    private readonly search: EventSearchReader,
    private readonly visible: VisibleEvents,
  ) {}

  /** From where the token says on. At most three queries. */
  async find(
    viewer: UserId,
    search: RoomEventsSearch,
    scope: {
      readonly rooms: readonly SearchableRoom[];
      readonly ignored: ReadonlySet<string>;
      readonly token: SearchToken | undefined;
    },
  ): Promise<VisibleMatches> {
    const found = await this.search.newest({
      term: search.search_term,
      keys: keysOf(search),
      rooms: scope.rooms.map(({ room, until }) => ({ roomNid: room.roomNid, until })),
      senders: sendersOf(search, scope.token),
      notSenders: search.filter.not_senders ?? [],
      ignored: [...scope.ignored],
      hasUrl: search.filter.contains_url,
      until: scope.token?.until ?? Number.MAX_SAFE_INTEGER,
      limit: MAX_MATCHES,
    });
    // None of what can be searched changes who may see it, so its content does not matter.
    const memberships = await this.visible.membershipsAt(viewer, found);
    const seen = found.filter(({ eventNid }) => memberships.has(eventNid));
    const oldest = found.length === MAX_MATCHES ? found.at(-1)?.position : undefined;
    return {
      matches: search.order_by === 'rank' ? ranked(seen, scope.token) : seen,
      memberships,
      newest: seen[0]?.position,
      olderFrom: oldest === undefined ? undefined : oldest - 1,
    };
  }
}

function keysOf({ keys, filter }: RoomEventsSearch): SearchKey[] {
  const matches = compileTypes(filter.types, filter.not_types);
  return keys.filter((key) => matches(TYPE_OF[key]));
}

function sendersOf({ filter }: RoomEventsSearch, token: SearchToken | undefined): string[] | undefined {
  if (token?.group?.[0] !== 'sender') return filter.senders;
  const [, sender] = token.group;
  return filter.senders?.includes(sender) === false ? [] : [sender];
}

/** By rank, the newer one first among equals; those behind the last one that was shown. */
function ranked(matches: readonly EventMatch[], token: SearchToken | undefined): EventMatch[] {
  const [lastRank, lastPosition] = token?.after ?? [Infinity, Infinity];
  return matches
    .filter(({ rank, position }) => rank < lastRank || (rank === lastRank && position < lastPosition))
    .sort((a, b) => b.rank - a.rank || b.position - a.position);
}
