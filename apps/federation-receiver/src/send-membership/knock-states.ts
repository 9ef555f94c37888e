import { EventTextReader } from '@atoll/database';
import { STRIPPED_STATE_TYPES } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { pduText } from '../room-access/served-pdu.js';

/** What a knocking server is shown of the room: whole events, which it strips for its user. */
@Injectable()
export class KnockStates {
  constructor(private readonly texts: EventTextReader) {}

  /** The answer as pieces of JSON text. */
  async *parts(roomNid: number): AsyncGenerator<string, void> {
    const events = await this.texts.currentState([roomNid], STRIPPED_STATE_TYPES);
    yield `{"knock_room_state":[${events.map(pduText).join(',')}]}`;
  }
}
