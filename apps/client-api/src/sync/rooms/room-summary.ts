import {
  EventReader,
  type HeroCandidate,
  HeroReader,
  type MemberCounts,
  RoomReader,
  SyncStateReader,
} from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';

export const HEROES = 5;
const NAME = 'm.room.name';
const ALIAS = 'm.room.canonical_alias';

/** How many are in a room and, when it has no name, by whom it may be called. */
export interface RoomSummary extends MemberCounts {
  readonly heroes: readonly UserId[] | undefined;
}

/** Whether a change of this type of state changes a summary. */
export function changesSummary(type: string): boolean {
  return type === 'm.room.member' || type === NAME || type === ALIAS;
}

/** The first members who are joined or invited; when nobody is, those who have left or are banned. */
export function pickHeroes(candidates: readonly HeroCandidate[]): UserId[] {
  const present = candidates.filter(({ membership }) => membership === 'join' || membership === 'invite');
  return (present.length > 0 ? present : candidates).slice(0, HEROES).map(({ userId }) => userId);
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_roomsummary */
export function summaryBody({ heroes, joined, invited }: RoomSummary): JsonObject {
  return {
    ...(heroes && { 'm.heroes': [...heroes] }),
    'm.joined_member_count': joined,
    'm.invited_member_count': invited,
  };
}

/** Summarises many rooms with five queries. */
@Injectable()
export class RoomSummaries {
  constructor(
    private readonly rooms: RoomReader,
    private readonly states: SyncStateReader,
    private readonly events: EventReader,
    private readonly heroes: HeroReader,
  ) {}

  /** Who is in the rooms now, and their names as of a position. */
  async load(
    userId: UserId,
    roomNids: readonly number[],
    position: number,
  ): Promise<Map<number, RoomSummary>> {
    if (roomNids.length === 0) return new Map();
    const [counts, named] = await Promise.all([
      this.rooms.memberCounts(roomNids),
      this.namedRooms(roomNids, position),
    ]);
    const unnamed = roomNids.filter((roomNid) => !named.has(roomNid));
    const candidates = Map.groupBy(
      await this.heroes.candidates(userId, unnamed, HEROES),
      ({ roomNid }) => roomNid,
    );
    return new Map(
      roomNids.map((roomNid) => {
        const heroes = named.has(roomNid) ? undefined : pickHeroes(candidates.get(roomNid) ?? []);
        return [roomNid, { ...(counts.get(roomNid) ?? { joined: 0, invited: 0 }), heroes }];
      }),
    );
  }

  private async namedRooms(roomNids: readonly number[], position: number): Promise<Set<number>> {
    const spans = await this.states.singles(
      roomNids.map((roomNid) => ({ roomNid, position })),
      [NAME, ALIAS],
    );
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    const named = [...events.values()].filter((event) => {
      const { type, content } = servedPdu(event);
      const value = content[type === NAME ? 'name' : 'alias'];
      return typeof value === 'string' && value !== '';
    });
    return new Set(named.map(({ roomNid }) => roomNid));
  }
}
