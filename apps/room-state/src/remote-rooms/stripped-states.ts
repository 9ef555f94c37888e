import type { RoomActorReader } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';
import type { StateType } from '@atoll/room-rules';
import type { RoomActor } from '../room-actor/room-actor.js';

/** What whoever is invited or knocks may know of a room. @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
const SHOWN: readonly StateType[] = [
  ['m.room.create', ''],
  ['m.room.name', ''],
  ['m.room.avatar', ''],
  ['m.room.topic', ''],
  ['m.room.join_rules', ''],
  ['m.room.canonical_alias', ''],
  ['m.room.encryption', ''],
];

/** The state events that an invite shows to the invited user's server, as events, not stripped: it checks them. */
export class StrippedStates {
  constructor(private readonly reader: RoomActorReader) {}

  /** @param inviter whose member event goes along */
  async of(actor: RoomActor, inviter: UserId): Promise<JsonObject[]> {
    const types: StateType[] = [...SHOWN, ['m.room.member', inviter]];
    const ids = types.flatMap(([type, key]) => actor.stateEventId(type, key) ?? []);
    const events = await this.reader.events(ids);
    return events.map(({ json }) => parseExactJson(json)).filter(isJsonObject);
  }
}
