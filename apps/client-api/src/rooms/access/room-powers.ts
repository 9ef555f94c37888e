import { EventReader, type RoomRecord, StateReader, type StoredEvent } from '@atoll/database';
import { MatrixError, type RoomEvent } from '@atoll/matrix';
import { PowerLevels, rulesOf } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';

/** Power levels of a room as they are now, for what this server lets its users do beside sending events. */
@Injectable()
export class RoomPowers {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
  ) {}

  async of(room: RoomRecord): Promise<PowerLevels> {
    const rules = rulesOf(room.version);
    if (rules === undefined) throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', 'Unknown room version');
    const types = ['m.room.create', 'm.room.power_levels'];
    const entries = await this.states.currentState(room.roomNid, { types, stateKeys: [''] });
    const events = await this.events.byNids(entries.map(({ eventNid }) => eventNid));
    const event = (type: string) => roomEvent([...events.values()].find(({ pdu }) => pdu.type === type));
    return new PowerLevels(event('m.room.create'), event('m.room.power_levels'), rules);
  }
}

function roomEvent(event: StoredEvent | undefined): RoomEvent | undefined {
  return event && { eventId: event.eventId, roomId: event.roomId, pdu: event.pdu, rejected: false };
}
