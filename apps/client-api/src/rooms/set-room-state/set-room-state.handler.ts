import { EventReader, RoomReader, StateReader } from '@atoll/database';
import { type EventId, forbidden, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RoomAccess } from '../access/room-access.js';
import { RoomCommands } from '../commands/room-commands.js';
import type { Transaction } from '../commands/transaction.js';
import { SettingsTransfer } from '../upgrade-room/settings-transfer.js';
import { NoticesRoomCheck } from '../membership/notices-room.check.js';
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
    private readonly events: EventReader,
    canonicalAlias: CanonicalAliasCheck,
    powerLevels: PowerLevelsCheck,
    private readonly commands: RoomCommands,
    private readonly settings: SettingsTransfer,
    private readonly notices: NoticesRoomCheck,
  ) {
    this.checks = new Map<string, StateCheck>([
      ['m.room.canonical_alias', canonicalAlias],
      ['m.room.power_levels', powerLevels],
    ]);
  }

  /**
   * 1. What this server checks although the room's rules would let it pass. Only for members: what is wrong with the
   *    content depends on the room's state. What was sent already passed, whatever has changed since.
   * 2. A user's own join goes the way of every join: a restricted room needs somebody who lets the user in.
   * 3. Anything else is an event like any other; identical state answers the event that holds it.
   * @param transaction the same one gives the first answer again; state that clients set at once has none
   */
  async handle(
    sender: UserId,
    roomId: RoomId,
    state: StateToSet,
    transaction?: Transaction,
  ): Promise<EventId> {
    try {
      await this.check(sender, roomId, state);
    } catch (error) {
      const sent = transaction && (await this.events.idByTransaction({ userId: sender, ...transaction }));
      if (sent === undefined) throw error;
      return sent;
    }
    if (isOwnMembership(sender, state, 'join')) return this.join(sender, roomId, state.content, transaction);
    return this.commands.sendEvent({ roomId, sender, ...state, ...(transaction && { transaction }) });
  }

  private async check(sender: UserId, roomId: RoomId, state: StateToSet): Promise<void> {
    const check = state.stateKey === '' ? this.checks.get(state.type) : undefined;
    if (check !== undefined) await check.check(await this.access.joined(sender, roomId), state.content);
    if (isOwnMembership(sender, state, 'leave')) await this.notices.assertMayLeave(sender, roomId);
  }

  private async join(
    sender: UserId,
    roomId: RoomId,
    content: JsonObject,
    transaction?: Transaction,
  ): Promise<EventId> {
    const input = {
      ...({ roomId, sender, target: sender, action: 'join', content } as const),
      ...(transaction && { transaction }),
    };
    const wish = transaction && [sender, transaction.deviceId, transaction.scope, transaction.id];
    const joined = await this.commands.changeMembership(input, wish);
    await this.settings.toMember(sender, roomId);
    return joined ?? (await this.currentMember(sender, roomId));
  }

  private async currentMember(user: UserId, roomId: RoomId): Promise<EventId> {
    const room = await this.rooms.byId(roomId);
    const entry = room && (await this.states.stateEvent(room.roomNid, 'm.room.member', user));
    if (entry === undefined) throw forbidden('You are not in this room');
    return entry.eventId;
  }
}

function isOwnMembership(
  sender: UserId,
  { type, stateKey, content }: StateToSet,
  membership: string,
): boolean {
  return type === 'm.room.member' && stateKey === sender && content['membership'] === membership;
}
