import { EventReader, RoomReader } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../events/client-events.js';

/** The member events by which a user is invited, whole: `/sync` tells stripped ones. */
@Injectable()
export class Invites {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** Of those of the rooms to which the user is invited now. */
  async of(viewer: Viewer, roomIds: readonly string[]): Promise<Map<string, JsonObject>> {
    if (roomIds.length === 0) return new Map();
    const rooms = await this.rooms.byIds(roomIds as RoomId[]);
    const nids = new Set(rooms.map(({ roomNid }) => roomNid));
    const memberships = await this.rooms.membershipsOf(viewer.userId);
    const invites = memberships.filter(
      ({ membership, roomNid }) => membership === 'invite' && nids.has(roomNid),
    );
    const found = await this.events.byNids(invites.map(({ eventNid }) => eventNid));
    const events = [...found.values()];
    // The invitee knows the own invite, whatever the history visibility says.
    const bodies = this.clientEvents.serveState(viewer, events);
    return new Map(events.map(({ roomId }, index) => [roomId, bodies[index] ?? {}]));
  }
}
