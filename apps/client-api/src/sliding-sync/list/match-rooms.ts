import { setImmediate } from 'node:timers/promises';
import { Turns } from '@atoll/service';
import { type CombinedConfig, ConfigCombiner } from '../combined-config.js';
import type { ListConfig, RoomFilters, SlidingRequest } from '../sliding-request.js';
import type { ListedRoom, RoomLists } from './room-list.js';

/** A room that a request is about. */
export interface MatchedRoom extends ListedRoom {
  /** The lists in whose windows it is. */
  readonly lists: readonly string[];
  readonly isSubscribed: boolean;
  readonly config: CombinedConfig;
}

export interface Matches {
  /** How many rooms pass the filters of each list, by its name. */
  readonly counts: ReadonlyMap<string, number>;
  /** By room nid. */
  readonly rooms: ReadonlyMap<number, MatchedRoom>;
}

/** Rooms looked at between two turns of the event loop: some milliseconds. */
const ROOMS_A_TURN = 1_000;

/**
 * Finds the rooms in the windows of the lists, and those subscribed to that the user may know of.
 * @param filterOf whether rooms pass filters
 */
export async function matchRooms(
  { lists, subscriptions }: Pick<SlidingRequest, 'lists' | 'subscriptions'>,
  { listed, all }: RoomLists,
  filterOf: (filters: RoomFilters) => (room: ListedRoom) => boolean,
): Promise<Matches> {
  const turns = new Turns(ROOMS_A_TURN);
  const found = new Map<number, { room: ListedRoom; lists: string[] }>();
  const counts = new Map<string, number>();
  const passing = new Passing(listed, filterOf, turns);
  for (const [name, { filters, ranges }] of lists) {
    const rooms = await passing.of(filters);
    counts.set(name, rooms.length);
    const inWindows = windowsOf(rooms, ranges);
    for (const room of inWindows) {
      const match = found.get(room.membership.roomNid);
      if (match) match.lists.push(name);
      else found.set(room.membership.roomNid, { room, lists: [name] });
    }
    if (turns.isLong(inWindows.length)) await setImmediate();
  }
  if (subscriptions.size > 0) {
    for (const [roomNid, room] of all) {
      if (subscriptions.has(room.membership.roomId) && !found.has(roomNid)) {
        found.set(roomNid, { room, lists: [] });
      }
    }
  }
  const combiner = new ConfigCombiner();
  const rooms = new Map<number, MatchedRoom>();
  for (const [roomNid, { room, lists: names }] of found) {
    const subscription = subscriptions.get(room.membership.roomId);
    const configs = names.flatMap((name) => lists.get(name) ?? []);
    const config = combiner.combine(subscription ? [...configs, subscription] : configs);
    rooms.set(roomNid, { ...room, lists: names, isSubscribed: subscription !== undefined, config });
    if (turns.isLong(1 + names.length)) await setImmediate();
  }
  return { counts, rooms };
}

/** The rooms whose indexes are in one of the ranges, each once. */
export function windowsOf<T>(rooms: readonly T[], ranges: ListConfig['ranges']): T[] {
  if (ranges === undefined) return [...rooms];
  return [...new Set(ranges.flatMap(([first, last]) => rooms.slice(first, last + 1)))];
}

/** The rooms that pass filters; lists that differ in other things only have the same ones. */
class Passing {
  private readonly byFilters = new Map<string, readonly ListedRoom[]>();

  constructor(
    private readonly listed: readonly ListedRoom[],
    private readonly filterOf: (filters: RoomFilters) => (room: ListedRoom) => boolean,
    private readonly turns: Turns,
  ) {}

  async of(filters: RoomFilters): Promise<readonly ListedRoom[]> {
    const name = JSON.stringify(filters);
    const known = this.byFilters.get(name);
    if (known) return known;
    const passes = this.filterOf(filters);
    const passing: ListedRoom[] = [];
    for (const room of this.listed) {
      if (passes(room)) passing.push(room);
      if (this.turns.isLong()) await setImmediate();
    }
    this.byFilters.set(name, passing);
    return passing;
  }
}
