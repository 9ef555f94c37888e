import { SyncTimelineReader } from '@atoll/database';
import type { EventId, JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { EphemeralEvents } from '../../sync/rooms/ephemeral-events.js';
import type { MatchedRoom } from '../list/match-rooms.js';
import type { SlidingContext } from '../sliding-context.js';
import type { ExtensionScope } from '../sliding-request.js';
import { type ExtensionRoom, partRooms } from './extension-rooms.js';

/** Receipts and typing, in the rooms that the user is in. */
@Injectable()
export class EphemeralExtensions {
  constructor(
    private readonly ephemeral: EphemeralEvents,
    private readonly timelines: SyncTimelineReader,
  ) {}

  /**
   * In rooms that are new to the client, the receipts at the events that it gets and the user's own; in those that it knows without
   * receipts, at as many of the newest events as it asks for; later what changed, and with older events those at them.
   * @param told the events that the answer tells in rooms that are new to the client or get older events
   * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3960
   */
  async receipts(
    { request: { userId }, since, to, ignored }: SlidingContext,
    scope: ExtensionScope,
    rooms: readonly ExtensionRoom[],
    told: ReadonlyMap<number, readonly EventId[]>,
  ): Promise<JsonObject> {
    const { initial, fresh, known, from } = partRooms('receipts', 'receipts', scope, joined(rooms), since);
    const expanded = nidsOf(known).filter((roomNid) => told.has(roomNid));
    const roomNids = [...nidsOf([...initial, ...fresh]), ...expanded];
    const untold = fresh.filter(({ membership }) => !told.has(membership.roomNid));
    const newest = await this.timelines.newestIds(
      untold.map(({ membership, config }) => ({ roomNid: membership.roomNid, limit: config.timelineLimit })),
      to.events,
    );
    const events = await this.ephemeral.receiptsOf(
      userId,
      {
        changed: { roomNids: nidsOf(known), from },
        at: { roomNids, eventIds: [...roomNids.flatMap((roomNid) => told.get(roomNid) ?? []), ...newest] },
      },
      to.receipts,
      ignored,
    );
    return byRoom([...initial, ...fresh, ...known], events);
  }

  /** @see https://github.com/matrix-org/matrix-spec-proposals/pull/3961 */
  async typing(
    { since, to, ignored }: SlidingContext,
    scope: ExtensionScope,
    rooms: readonly ExtensionRoom[],
  ): Promise<JsonObject> {
    const { initial, fresh, known, from } = partRooms('typing', 'typing', scope, joined(rooms), since);
    const [first, changed] = await Promise.all([
      this.ephemeral.typingIn(nidsOf([...initial, ...fresh]), 0, to.typing, ignored),
      this.ephemeral.typingIn(nidsOf(known), from, to.typing, ignored),
    ]);
    return byRoom([...initial, ...fresh, ...known], new Map([...first, ...changed]));
  }
}

function joined(rooms: readonly ExtensionRoom[]): ExtensionRoom[] {
  return rooms.filter(({ match }) => match.membership.membership === 'join');
}

function nidsOf(matches: readonly MatchedRoom[]): number[] {
  return matches.map(({ membership }) => membership.roomNid);
}

function byRoom(matches: readonly MatchedRoom[], events: ReadonlyMap<number, JsonObject>): JsonObject {
  const told = matches.flatMap(({ membership: { roomNid, roomId } }) => {
    const event = events.get(roomNid);
    return event === undefined ? [] : [[roomId, event] as const];
  });
  return told.length === 0 ? {} : { rooms: Object.fromEntries(told) };
}
