import { EventReader, type RoomRecord, StateReader } from '@atoll/database';
import { badJson, isJsonObject, type JsonObject } from '@atoll/matrix';
import { creatorsOf, rulesOf } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';
import type { StateCheck } from './state.check.js';

/** Creators who stand above all levels have none: naming them is a mistake of the client, not a question of rights. */
@Injectable()
export class PowerLevelsCheck implements StateCheck {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
  ) {}

  /**
   * @throws MatrixError 400
   * @see https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules
   */
  async check(room: RoomRecord, { users }: JsonObject): Promise<void> {
    const rules = rulesOf(room.version);
    if (!rules?.privilegedCreators || !isJsonObject(users)) return;
    const entry = await this.states.stateEvent(room.roomNid, 'm.room.create', '');
    const create = entry && (await this.events.byNids([entry.eventNid])).get(entry.eventNid);
    const creators = create ? creatorsOf({ ...create, rejected: false }, rules) : [];
    if (creators.some((creator) => Object.hasOwn(users, creator))) {
      throw badJson('The creators of the room cannot be given a power level');
    }
  }
}
