import { RoomReader, type RoomRecord, VisibilityReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { compileList, type RoomEventFilter } from '../events/room-event-filter.js';
import { Predecessors } from '../rooms/access/predecessors.js';
import { lastLeave } from '../rooms/access/room-access.js';

/** A room whose events a user may search, up to a position. */
export interface SearchableRoom {
  readonly room: RoomRecord;
  /** `Number.MAX_SAFE_INTEGER` for who is in it, that of the leave for who left. */
  readonly until: number;
}

/** Upgrades that are followed back. */
const MAX_PREDECESSORS = 20;
/** Rooms that a filter may name; each may have predecessors. */
const MAX_FOLLOWED = 20;

/** Finds the rooms that a user is or was in, without those that the user forgot. */
@Injectable()
export class SearchableRooms {
  constructor(
    private readonly rooms: RoomReader,
    private readonly predecessors: Predecessors,
    private readonly visibility: VisibilityReader,
  ) {}

  /** Those that the filter lets through. A room that it names stands for the rooms that were upgraded to it, too. */
  async of(userId: UserId, filter: RoomEventFilter): Promise<SearchableRoom[]> {
    const memberships = (await this.rooms.membershipsOf(userId)).filter(({ forgotten }) => !forgotten);
    const records = await this.rooms.byNids(memberships.map(({ roomNid }) => roomNid));
    const matches = compileList(await this.named(filter.rooms, records), filter.not_rooms);
    const wanted = memberships.filter(({ roomNid }) => matches(records.get(roomNid)?.roomId ?? ''));
    const left = wanted.filter(({ membership }) => membership !== 'join').map(({ roomNid }) => roomNid);
    const timelines = await this.visibility.timelines(userId, left);
    return wanted.flatMap(({ roomNid, membership }) => {
      const room = records.get(roomNid);
      const timeline = timelines.get(roomNid);
      const until =
        membership === 'join'
          ? Number.MAX_SAFE_INTEGER
          : timeline === undefined
            ? undefined
            : lastLeave(timeline);
      return room === undefined || until === undefined ? [] : [{ room, until }];
    });
  }

  /** Only rooms that the user knows lead to others, so that nobody learns what led to a room. */
  private async named(
    named: readonly string[] | undefined,
    known: ReadonlyMap<number, RoomRecord>,
  ): Promise<string[] | undefined> {
    if (named === undefined) return undefined;
    const nids = new Map<string, number>([...known.values()].map(({ roomId, roomNid }) => [roomId, roomNid]));
    const found = new Set(named);
    for (const roomId of named.slice(0, MAX_FOLLOWED)) {
      let at: string | undefined = roomId;
      for (let steps = 0; steps < MAX_PREDECESSORS && at !== undefined; steps++) {
        const nid = nids.get(at);
        const before: string | undefined = nid === undefined ? undefined : await this.predecessors.of(nid);
        at = before === undefined || found.has(before) ? undefined : before;
        if (at !== undefined) found.add(at);
      }
    }
    return [...found];
  }
}
