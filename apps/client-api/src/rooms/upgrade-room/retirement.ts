import { AliasReader, RoomReplacementTransactor, type RoomRecord } from '@atoll/database';
import { type JsonObject, MatrixError, type RoomAlias, type UserId } from '@atoll/matrix';
import { PowerLevels } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';
import { servedPdu } from '../../events/client-event.js';
import { RoomStateEvents } from '../access/room-state.js';
import { RoomCommands } from '../commands/room-commands.js';
import { withoutAlias } from '../directory/without-alias.js';
import type { OldRoom } from './old-rooms.js';

const MODERATOR_LEVEL = 50;

/** Puts a room out of use that has a replacement and says so. Each step may be repeated. */
@Injectable()
export class Retirement {
  constructor(
    private readonly directory: RoomReplacementTransactor,
    private readonly aliases: AliasReader,
    private readonly states: RoomStateEvents,
    private readonly commands: RoomCommands,
  ) {}

  /**
   * 1. Its aliases lead to the replacement, which takes its place in the room directory.
   * 2. It no longer calls those aliases its own.
   * 3. It is no longer a place to talk in or to invite to.
   * The user may have been allowed to end the room, but not to do the latter two: then they are left out.
   * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
   */
  async of(old: OldRoom, replacement: RoomRecord, user: UserId): Promise<void> {
    await this.directory.takeOver(old.record.roomNid, replacement.roomNid);
    await this.giveUpAliases(old, await this.aliases.aliasesOf(replacement.roomNid), user);
    await this.silence(old, user);
  }

  private async giveUpAliases({ record }: OldRoom, moved: RoomAlias[], user: UserId): Promise<void> {
    const content = await this.contentNow(record, 'm.room.canonical_alias');
    if (content === undefined) return;
    const left = moved.reduce((rest, alias) => withoutAlias(rest, alias) ?? rest, content);
    if (left !== content) await this.sendIfAllowed(record, user, 'm.room.canonical_alias', left);
  }

  private async silence({ record, rules, create }: OldRoom, user: UserId): Promise<void> {
    const event = await this.states.one({ room: record, until: undefined }, 'm.room.power_levels', '');
    if (event === undefined) return;
    const { eventId, roomId, pdu } = event;
    const levels = new PowerLevels(create, { eventId, roomId, pdu, rejected: false }, rules);
    const needed = Math.max(MODERATOR_LEVEL, levels.level('users_default') + 1);
    const [events_default, invite] = [levels.level('events_default'), levels.level('invite')];
    if (Math.min(events_default, invite) >= needed) return;
    await this.sendIfAllowed(record, user, 'm.room.power_levels', {
      ...pdu.content,
      events_default: Math.max(events_default, needed),
      invite: Math.max(invite, needed),
    });
  }

  private async contentNow(room: RoomRecord, type: string): Promise<JsonObject | undefined> {
    const event = await this.states.one({ room, until: undefined }, type, '');
    return event && servedPdu(event).content;
  }

  private async sendIfAllowed(
    { roomId }: RoomRecord,
    sender: UserId,
    type: string,
    content: JsonObject,
  ): Promise<void> {
    try {
      await this.commands.sendEvent({ roomId, sender, type, stateKey: '', content });
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status >= 500) throw error;
    }
  }
}
