import {
  EventReader,
  HeroReader,
  type MemberCounts,
  PastMemberReader,
  type PastMembers,
  RoomReader,
  type StateSpan,
  type StoredEvent,
  SyncStateReader,
} from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import type { RoomPlan } from '../../sync/rooms/room-plan.js';
import { HEROES, pickHeroes } from '../../sync/rooms/room-summary.js';
import type { TimedSlidingRoom } from './room-timelines.js';
import type { ToldState } from './required-state-loader.js';

const NAME = 'm.room.name';
const AVATAR = 'm.room.avatar';
const MEMBER = 'm.room.member';

/** How a room looks from outside. */
export interface RoomProfile {
  readonly name: string | undefined;
  readonly avatar: string | undefined;
  /** In a room that was left, those of then. */
  readonly counts: MemberCounts;
  /** Only when it has no name. */
  readonly heroes: readonly JsonObject[] | undefined;
}

/** A room up to the last position of which the user may know. */
interface RoomEnd {
  readonly roomNid: number;
  readonly end: number;
}

/** Reads names, avatars, counts and heroes of many rooms at once. */
@Injectable()
export class RoomProfiles {
  constructor(
    private readonly rooms: RoomReader,
    private readonly states: SyncStateReader,
    private readonly events: EventReader,
    private readonly heroes: HeroReader,
    private readonly past: PastMemberReader,
  ) {}

  /** Those of the rooms that come whole, or in which it may have changed. */
  async load(
    userId: UserId,
    timed: readonly TimedSlidingRoom[],
    states: ReadonlyMap<number, ToldState>,
  ): Promise<Map<number, RoomProfile>> {
    const plans = timed
      .map(({ plan }) => plan)
      .filter(
        ({ roomNid, knownState }) =>
          knownState === undefined || changesProfile(states.get(roomNid)?.changed ?? []),
      );
    if (plans.length === 0) return new Map();
    const joined = plans.filter(({ section }) => section === 'join');
    const left = plans.filter(({ section }) => section === 'leave');
    const [looks, counts, past] = await Promise.all([
      this.looks(plans.map(({ roomNid, stateEnd }) => ({ roomNid, position: stateEnd }))),
      this.rooms.memberCounts(joined.map(({ roomNid }) => roomNid)),
      this.past.at(userId, left.map(endOf), HEROES),
    ]);
    const unnamed = plans.filter(({ roomNid }) => looks.get(roomNid)?.name === undefined);
    const heroes = await this.heroesOf(userId, unnamed.map(endOf), past);
    return new Map(
      plans.map(({ roomNid }) => [
        roomNid,
        {
          name: looks.get(roomNid)?.name,
          avatar: looks.get(roomNid)?.avatar,
          counts: past.get(roomNid) ?? counts.get(roomNid) ?? { joined: 0, invited: 0 },
          heroes: heroes.get(roomNid),
        },
      ]),
    );
  }

  private async looks(points: readonly { roomNid: number; position: number }[]) {
    const spans = await this.states.singles(points, [NAME, AVATAR]);
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    const looks = new Map<number, { name?: string; avatar?: string }>();
    for (const event of events.values()) {
      const { type, content } = servedPdu(event);
      const value = content[type === NAME ? 'name' : 'url'];
      if (typeof value !== 'string' || value === '') continue;
      const field = type === NAME ? 'name' : 'avatar';
      looks.set(event.roomNid, { ...looks.get(event.roomNid), [field]: value });
    }
    return looks;
  }

  private async heroesOf(
    userId: UserId,
    rooms: readonly RoomEnd[],
    past: ReadonlyMap<number, PastMembers>,
  ): Promise<Map<number, JsonObject[]>> {
    const present = rooms.flatMap(({ roomNid }) => (past.has(roomNid) ? [] : [roomNid]));
    const found = await this.heroes.candidates(userId, present, HEROES);
    const candidates = Map.groupBy(found, ({ roomNid }) => roomNid);
    const picked = rooms.map(({ roomNid, end }) => ({
      roomNid,
      end,
      users: pickHeroes(past.get(roomNid)?.candidates ?? candidates.get(roomNid) ?? []),
    }));
    const spans = await this.states.members(
      picked.flatMap(({ roomNid, end, users }) =>
        users.map((hero) => ({ roomNid, start: end, end, userId: hero })),
      ),
    );
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    const members = new Map(
      Array.from(events.values(), (event) => [memberKey(event.roomNid, event.pdu.state_key), event]),
    );
    return new Map(
      picked.map(({ roomNid, users }) => [
        roomNid,
        users.map((hero) => heroBody(hero, members.get(memberKey(roomNid, hero)))),
      ]),
    );
  }
}

/** Whether state that changed is part of a profile. */
export function changesProfile(changed: readonly StateSpan[]): boolean {
  return changed.some(({ type }) => type === NAME || type === AVATAR || type === MEMBER);
}

/** The fields of a profile: all in a room that comes whole, else those that may have changed. */
export function profileFields(
  { name, avatar, counts, heroes }: RoomProfile,
  changed: readonly StateSpan[] | undefined,
): JsonObject {
  const has = (type: string) => changed?.some((span) => span.type === type) ?? false;
  const isMoved = changed === undefined || has(MEMBER);
  return {
    ...(name === undefined ? has(NAME) && { name: null } : (changed === undefined || has(NAME)) && { name }),
    ...(avatar === undefined
      ? has(AVATAR) && { avatar: null }
      : (changed === undefined || has(AVATAR)) && { avatar }),
    ...(heroes && heroes.length > 0 && (isMoved || has(NAME)) && { heroes: [...heroes] }),
    ...(isMoved && { joined_count: counts.joined, invited_count: counts.invited }),
  };
}

function endOf({ roomNid, stateEnd }: RoomPlan): RoomEnd {
  return { roomNid, end: stateEnd };
}

function memberKey(roomNid: number, userId: string | undefined): string {
  return `${roomNid} ${userId ?? ''}`;
}

function heroBody(userId: UserId, member: StoredEvent | undefined): JsonObject {
  const { displayname, avatar_url } = member ? servedPdu(member).content : {};
  return {
    user_id: userId,
    ...(typeof displayname === 'string' && { displayname }),
    ...(typeof avatar_url === 'string' && { avatar_url }),
  };
}
