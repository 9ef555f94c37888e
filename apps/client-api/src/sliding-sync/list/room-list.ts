import {
  EventReader,
  RoomListReader,
  type StoredEvent,
  type StreamPositions,
  type SyncMembership,
  SyncMembershipReader,
  VisibilityReader,
} from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { UnwantedInviters } from '../../sync/rooms/unwanted-inviters.js';
import type { ConnectionMemory } from '../memory/connection-memory.js';

/** A room of the user. */
export interface ListedRoom {
  readonly membership: SyncMembership;
  /** The position of the last thing in it that the user may know to have happened. */
  readonly activity: number;
}

/** The rooms of a user. */
export interface RoomLists {
  /** All that lists may have, the most recently active first. */
  readonly listed: readonly ListedRoom[];
  /** All that the user has a membership in, by room nid: subscriptions may name others than lists have. */
  readonly all: ReadonlyMap<number, ListedRoom>;
}

/** What decides which rooms are there. */
export interface RoomListContext {
  readonly userId: UserId;
  readonly to: StreamPositions;
  readonly memory: ConnectionMemory;
  /** How far the client is. */
  readonly since: StreamPositions | undefined;
  readonly ignored: ReadonlySet<string>;
}

/**
 * Makes the list into which the windows of sliding sync look: rooms joined, invited to and knocked on; those the user was made to
 * leave; and those left since the client was told of them.
 * @see proposals/4186-simplified-sliding-sync.md, "Lists"
 */
@Injectable()
export class RoomList {
  constructor(
    private readonly memberships: SyncMembershipReader,
    private readonly lists: RoomListReader,
    private readonly visibility: VisibilityReader,
    private readonly events: EventReader,
    private readonly inviters: UnwantedInviters,
  ) {}

  async load(context: RoomListContext): Promise<RoomLists> {
    const { userId, to } = context;
    const memberships = await this.memberships.membershipsAt(userId, to.events);
    const joined = memberships.flatMap(({ membership, roomNid }) => (membership === 'join' ? [roomNid] : []));
    const [newest, expelled, unwanted] = await Promise.all([
      this.lists.newestPositions(joined, to.events),
      this.expelledFrom(context, memberships),
      this.unwantedInvites(context, memberships),
    ]);
    const rooms = memberships
      .filter(({ eventNid }) => !unwanted.has(eventNid))
      .map((membership) => {
        const activity = newest.get(membership.roomNid) ?? 0;
        return { membership, activity: Math.max(activity, membership.position) };
      });
    const listed = rooms
      .filter(({ membership }) => !isLeft(membership) || isToldWhenLeft(membership, context, expelled))
      .sort((a, b) => b.activity - a.activity || b.membership.roomNid - a.membership.roomNid);
    return { listed, all: new Map(rooms.map((room) => [room.membership.roomNid, room])) };
  }

  /** The rooms that the user was in and did not leave by itself, of those that the client does not know. */
  private async expelledFrom(
    { userId, memory }: RoomListContext,
    memberships: readonly SyncMembership[],
  ): Promise<Set<number>> {
    const left = memberships.filter(
      (room) => isLeft(room) && !room.forgotten && !memory.rooms.has(room.roomNid),
    );
    if (left.length === 0) return new Set();
    const own = await this.lists.ownDepartures(left.map(({ eventNid }) => eventNid));
    const others = left.filter(({ eventNid }) => !own.has(eventNid)).map(({ roomNid }) => roomNid);
    const timelines = await this.visibility.timelines(userId, others);
    const wasIn = (roomNid: number) =>
      timelines.get(roomNid)?.membership.some(({ value }) => value === 'join') ?? false;
    return new Set(others.filter(wasIn));
  }

  /** The member events by which users invite who are ignored, or whose invites are not wanted. */
  private async unwantedInvites(
    { userId, ignored }: RoomListContext,
    memberships: readonly SyncMembership[],
  ): Promise<Set<number>> {
    const invites = memberships.filter(({ membership }) => membership === 'invite');
    if (invites.length === 0) return new Set();
    const events = [...(await this.events.byNids(invites.map(({ eventNid }) => eventNid))).values()];
    const inviters = new Set(events.map(({ pdu }) => pdu.sender).filter((sender) => !ignored.has(sender)));
    const unwanted = await this.inviters.among(userId, inviters);
    const isUnwanted = ({ pdu }: StoredEvent) => ignored.has(pdu.sender) || unwanted.has(pdu.sender);
    return new Set(events.filter(isUnwanted).map(({ eventNid }) => eventNid));
  }
}

export function isLeft({ membership }: SyncMembership): boolean {
  return membership === 'leave' || membership === 'ban';
}

/** Of a room that was forgotten, the client is still told that it was left. */
function isToldWhenLeft(
  { roomNid, forgotten, position }: SyncMembership,
  { memory, since }: RoomListContext,
  expelled: ReadonlySet<number>,
): boolean {
  const known = memory.rooms.get(roomNid);
  if (known === undefined) return expelled.has(roomNid);
  return !forgotten || position > ((known.told ?? since)?.events ?? 0);
}
