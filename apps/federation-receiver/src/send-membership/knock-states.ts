import { EventTextReader } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { pduText } from '../room-access/served-pdu.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
const SHOWN = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];

/** What a knocking server is shown of the room: whole events, which it strips for its user. */
@Injectable()
export class KnockStates {
  constructor(private readonly texts: EventTextReader) {}

  /** The answer as pieces of JSON text. */
  async *parts(roomNid: number): AsyncGenerator<string, void> {
    const events = await this.texts.currentState([roomNid], SHOWN);
    yield `{"knock_room_state":[${events.map(pduText).join(',')}]}`;
  }
}
