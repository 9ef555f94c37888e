import {
  AccountReader,
  type AliasRecord,
  AliasTransactor,
  RoomReader,
  type RoomRecord,
} from '@atoll/database';
import { forbidden, type JsonObject, MatrixError, type RoomAlias, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import { RoomPowers } from '../access/room-powers.js';
import { RoomStateEvents } from '../access/room-state.js';
import { RoomCommands } from '../commands/room-commands.js';
import { ResolveAlias } from './resolve-alias.js';
import { withoutAlias } from './without-alias.js';

const CANONICAL_ALIAS = 'm.room.canonical_alias';

/** Removes an alias, and its mention in the room's canonical aliases where the user may. */
@Injectable()
export class DeleteRoomAliasHandler {
  constructor(
    private readonly aliases: ResolveAlias,
    private readonly transactor: AliasTransactor,
    private readonly rooms: RoomReader,
    private readonly accounts: AccountReader,
    private readonly powers: RoomPowers,
    private readonly states: RoomStateEvents,
    private readonly commands: RoomCommands,
  ) {}

  /**
   * 1. The alias exists.
   * 2. The user made it, may set the room's canonical alias, or administrates this server.
   * 3. It goes.
   * 4. The canonical alias event stops naming it; a user who may not send that event has removed the alias all the same.
   * @throws MatrixError 404, 403
   */
  async handle(userId: UserId, alias: RoomAlias): Promise<void> {
    const record = await this.aliases.local(alias);
    const room = await this.rooms.byId(record.roomId);
    if (room === undefined || !(await this.mayRemove(userId, record, room))) {
      throw forbidden('You may not remove this alias');
    }
    await this.transactor.remove(alias);
    await this.updateCanonicalAlias(userId, alias, room);
  }

  private async mayRemove(userId: UserId, { creator }: AliasRecord, room: RoomRecord): Promise<boolean> {
    if (creator === userId) return true;
    if ((await this.accounts.find(userId))?.isAdmin === true) return true;
    if ((await this.rooms.membershipOf(userId, room.roomNid))?.membership !== 'join') return false;
    const levels = await this.powers.of(room);
    return levels.userLevel(userId) >= levels.requiredLevel(CANONICAL_ALIAS, true);
  }

  private async updateCanonicalAlias(userId: UserId, alias: RoomAlias, room: RoomRecord): Promise<void> {
    const event = await this.states.one({ room, until: undefined }, CANONICAL_ALIAS, '');
    const content = event && withoutAlias(servedPdu(event).content, alias);
    if (content !== undefined) await this.sendIfAllowed(userId, room, content);
  }

  private async sendIfAllowed(sender: UserId, { roomId }: RoomRecord, content: JsonObject): Promise<void> {
    try {
      await this.commands.sendEvent({ roomId, sender, type: CANONICAL_ALIAS, stateKey: '', content });
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status !== 403) throw error;
    }
  }
}
