import { RoomReader, StateReader } from '@atoll/database';
import { type EventId, forbidden, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RoomAccess } from '../access/room-access.js';
import { RoomCommands } from '../commands/room-commands.js';
import { CanonicalAliasCheck } from './canonical-alias.check.js';
import { PowerLevelsCheck } from './power-levels.check.js';
import type { StateCheck } from './state.check.js';

export interface StateToSet {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

/** Sets one key of a room's state. */
@Injectable()
export class SetRoomStateHandler {
  private readonly checks: ReadonlyMap<string, StateCheck>;

  constructor(
    private readonly access: RoomAccess,
    private readonly rooms: RoomReader,
    private readonly states: StateReader,
    canonicalAlias: CanonicalAliasCheck,
    powerLevels: PowerLevelsCheck,
    private readonly commands: RoomCommands,
  ) {
    this.checks = new Map<string, StateCheck>([
      ['m.room.canonical_alias', canonicalAlias],
      ['m.room.power_levels', powerLevels],
    ]);
  }

  /**
   * 1. What this server checks although the room's rules would let it pass. Only for members: what is wrong with the
   *    content depends on the room's state.
   * 2. A user's own join goes the way of every join: a restricted room needs somebody who lets the user in.
   * 3. Anything else is an event like any other; identical state answers the event that holds it.
   */
  async handle(sender: UserId, roomId: RoomId, state: StateToSet): Promise<EventId> {
    const check = state.stateKey === '' ? this.checks.get(state.type) : undefined;
    if (check !== undefined) await check.check(await this.access.joined(sender, roomId), state.content);
    const isOwnJoin =
      state.type === 'm.room.member' && state.stateKey === sender && state.content['membership'] === 'join';
    if (isOwnJoin) return this.join(sender, roomId, state.content);
    return this.commands.sendEvent({ roomId, sender, ...state });
  }

  private async join(sender: UserId, roomId: RoomId, content: JsonObject): Promise<EventId> {
    const input = { roomId, sender, target: sender, action: 'join', content } as const;
    return (await this.commands.changeMembership(input)) ?? (await this.currentMember(sender, roomId));
  }

  private async currentMember(user: UserId, roomId: RoomId): Promise<EventId> {
    const room = await this.rooms.byId(roomId);
    const entry = room && (await this.states.stateEvent(room.roomNid, 'm.room.member', user));
    if (entry === undefined) throw forbidden('You are not in this room');
    return entry.eventId;
  }
}
