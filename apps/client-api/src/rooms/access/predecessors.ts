import { EventReader, StateReader } from '@atoll/database';
import { isJsonObject, isRoomId, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';

/** Which room another one replaces. @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades */
@Injectable()
export class Predecessors {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
  ) {}

  /** As its create event says it: whether the other room agrees is not asked. */
  async of(roomNid: number): Promise<RoomId | undefined> {
    const create = await this.states.stateEvent(roomNid, 'm.room.create', '');
    const event = create && (await this.events.byNids([create.eventNid])).get(create.eventNid);
    const predecessor = event && servedPdu(event).content['predecessor'];
    const roomId = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
    return isRoomId(roomId) ? roomId : undefined;
  }
}
