import type { StoredEvent } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { ServedEvent } from '../../events/client-events.js';
import { RoomStateEvents } from './room-state.js';

/** Who sent the events that a lazy-loading client is shown. @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members */
@Injectable()
export class SenderMembers {
  constructor(private readonly states: RoomStateEvents) {}

  /** The member events of the senders in the state at a position. */
  at(roomNid: number, position: number, served: readonly ServedEvent[]): Promise<StoredEvent[]> {
    const senders = new Set(served.map(({ event }) => event.pdu.sender));
    return this.states.at(roomNid, position, { types: ['m.room.member'], stateKeys: [...senders] });
  }
}
