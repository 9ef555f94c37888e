import type { RoomActorReader } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, STRIPPED_STATE_TYPES, type UserId } from '@atoll/matrix';
import type { StateType } from '@atoll/room-rules';
import type { RoomActor } from '../room-actor/room-actor.js';

/** The state events that an invite shows to the invited user's server, as events, not stripped: it checks them. */
export class StrippedStates {
  constructor(private readonly reader: RoomActorReader) {}

  /** @param inviter whose member event goes along */
  async of(actor: RoomActor, inviter: UserId): Promise<JsonObject[]> {
    const types: StateType[] = [
      ...STRIPPED_STATE_TYPES.map((type): StateType => [type, '']),
      ['m.room.member', inviter],
    ];
    const ids = types.flatMap(([type, key]) => actor.stateEventId(type, key) ?? []);
    const events = await this.reader.events(ids);
    return events.map(({ json }) => parseExactJson(json)).filter(isJsonObject);
  }
}
