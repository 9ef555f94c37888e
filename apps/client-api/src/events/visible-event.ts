import { EventReader, RoomReader } from '@atoll/database';
import type { EventId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type ServedEvent, type Viewer } from './client-events.js';

/** Finds single events for who may see them. */
@Injectable()
export class VisibleEvent {
  constructor(
    private readonly events: EventReader,
    private readonly rooms: RoomReader,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** Undefined for an event that there is not and for one that the viewer may not see alike. */
  async find(viewer: Viewer, eventId: EventId): Promise<ServedEvent | undefined> {
    const event = (await this.events.byIds([eventId])).get(eventId);
    if (event === undefined) return undefined;
    const membership = await this.rooms.membershipOf(viewer.userId, event.roomNid);
    if (membership?.forgotten === true) return undefined;
    return (await this.clientEvents.serve(viewer, [event]))[0];
  }
}
