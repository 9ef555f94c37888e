import { RoomReader, type RoomRecord, type StoredEvent } from '@atoll/database';
import {
  forbidden,
  type JsonObject,
  notFound,
  type RoomEvent,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { PowerLevels, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import { RoomAccess } from '../access/room-access.js';
import { RoomStateEvents } from '../access/room-state.js';
import { COPIED_TYPES } from './replacement-state.js';

/** The types of a room's state that an upgrade looks at, all with the empty state key. */
const TYPES = [
  'm.room.create',
  'm.room.power_levels',
  'm.room.tombstone',
  'm.room.canonical_alias',
  ...COPIED_TYPES,
];

/** A room that is about to be replaced, as it was when that was asked for. */
export interface OldRoom {
  readonly record: RoomRecord;
  readonly rules: RoomVersionRules;
  readonly create: RoomEvent;
  /** Its state with the empty state key, by type. */
  readonly state: ReadonlyMap<string, StoredEvent>;
}

/** Reads rooms that their users want to replace. */
@Injectable()
export class OldRooms {
  constructor(
    private readonly rooms: RoomReader,
    private readonly access: RoomAccess,
    private readonly states: RoomStateEvents,
  ) {}

  /** @throws MatrixError 404 for a room that nobody here knows, 403 for who is not in it or may not end it */
  async upgradable(user: UserId, roomId: RoomId): Promise<OldRoom> {
    if ((await this.rooms.byId(roomId)) === undefined) throw notFound('There is no such room');
    const record = await this.access.joined(user, roomId);
    const room = await this.read(record);
    const levels = new PowerLevels(room.create, roomEvent(room.state.get('m.room.power_levels')), room.rules);
    if (levels.userLevel(user) < levels.requiredLevel('m.room.tombstone', true)) {
      throw forbidden('You may not upgrade this room');
    }
    return room;
  }

  private async read(record: RoomRecord): Promise<OldRoom> {
    const events = await this.states.of(
      { room: record, until: undefined },
      { types: TYPES, stateKeys: [''] },
    );
    const state = new Map(events.map((event) => [event.pdu.type, event]));
    const [create, rules] = [roomEvent(state.get('m.room.create')), rulesOf(record.version)];
    if (create === undefined || rules === undefined) throw forbidden('You may not upgrade this room');
    return { record, rules, create, state };
  }
}

/** The content of a type of state, redacted if it was redacted. */
export function contentOf({ state }: OldRoom, type: string): JsonObject | undefined {
  const event = state.get(type);
  return event && servedPdu(event).content;
}

function roomEvent(event: StoredEvent | undefined): RoomEvent | undefined {
  return event && { eventId: event.eventId, roomId: event.roomId, pdu: event.pdu, rejected: false };
}
