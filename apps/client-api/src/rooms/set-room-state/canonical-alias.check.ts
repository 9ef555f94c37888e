import { EventReader, type RoomRecord, StateReader } from '@atoll/database';
import {
  invalidParam,
  isRoomAlias,
  type JsonObject,
  type JsonValue,
  MatrixError,
  type RoomAlias,
} from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ResolveAlias } from '../directory/resolve-alias.js';
import type { StateCheck } from './state.check.js';

/** Each is looked up, those of other servers over there. */
const MAX_ADDED = 100;
const MAX_ADDED_REMOTE = 10;

/** Whether what an `m.room.canonical_alias` adds are aliases of this very room. What it had before is not looked at. */
@Injectable()
export class CanonicalAliasCheck implements StateCheck {
  constructor(
    private readonly states: StateReader,
    private readonly events: EventReader,
    private readonly aliases: ResolveAlias,
  ) {}

  /**
   * @throws MatrixError 400 `M_INVALID_PARAM` for what is no alias, `M_BAD_ALIAS` for one that leads elsewhere, 502 or 504 when the
   * server of an alias gives no usable answer
   * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
   */
  async check(room: RoomRecord, content: JsonObject): Promise<void> {
    const known = new Set(namedBy(await this.current(room)));
    const added = namedBy(content).filter((alias) => !known.has(alias));
    if (added.length > MAX_ADDED) throw invalidParam(`At most ${MAX_ADDED} aliases are added at once`);
    if (!added.every(isRoomAlias)) throw invalidParam('An alias has a wrong form');
    const local = added.filter((alias) => this.aliases.isLocal(alias));
    const remote = added.filter((alias) => !this.aliases.isLocal(alias));
    if (remote.length > MAX_ADDED_REMOTE) {
      throw invalidParam(`At most ${MAX_ADDED_REMOTE} aliases of other servers are added at once`);
    }
    for (const alias of local) await this.requirePointsTo(room, alias);
    await Promise.all(remote.map((alias) => this.requirePointsTo(room, alias)));
  }

  private async requirePointsTo(room: RoomRecord, alias: RoomAlias): Promise<void> {
    if ((await this.aliases.find(alias))?.roomId !== room.roomId) {
      throw new MatrixError(400, 'M_BAD_ALIAS', `The alias ${alias} does not point to this room`);
    }
  }

  private async current(room: RoomRecord): Promise<JsonObject> {
    const entry = await this.states.stateEvent(room.roomNid, 'm.room.canonical_alias', '');
    const event = entry && (await this.events.byNids([entry.eventNid])).get(entry.eventNid);
    return event?.pdu.content ?? {};
  }
}

/** An alias that is absent, null or empty means that there is none. */
function namedBy({ alias, alt_aliases: alternatives }: JsonObject): JsonValue[] {
  const main = alias === undefined || alias === null || alias === '' ? [] : [alias];
  if (alternatives === undefined || alternatives === null) return main;
  return [...main, ...(Array.isArray(alternatives) ? alternatives : [alternatives])];
}
