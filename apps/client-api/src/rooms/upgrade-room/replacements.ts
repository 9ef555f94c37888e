import type { Config } from '@atoll/config';
import { AliasReader, RoomReader, type RoomRecord } from '@atoll/database';
import { isRoomId, type JsonObject, MatrixError, type RoomId } from '@atoll/matrix';
import { creatorsOf } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { CONFIG } from '../../platform/tokens.js';
import { RoomStateEvents } from '../access/room-state.js';
import { RoomCommands } from '../commands/room-commands.js';
import { newRoomId } from '../create-room/create-event.js';
import { RoomCreation } from '../create-room/room-creation.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { contentOf } from './old-rooms.js';
import { duringCreation, replacementPowerLevels } from './replacement-power-levels.js';
import { replacementState } from './replacement-state.js';
import { type PreparedTombstone, tombstoneContent, type Upgrade } from './upgrade.js';

/** A room that takes the place of another one, not yet or already known to its members. */
export interface Replacement {
  readonly record: RoomRecord;
  /** The power levels that it is to have in the end. */
  readonly powerLevels: JsonObject;
  readonly tombstone?: PreparedTombstone | undefined;
}

/** Finds and makes the rooms that take the place of others. */
@Injectable()
export class Replacements {
  constructor(
    private readonly rooms: RoomReader,
    private readonly states: RoomStateEvents,
    private readonly aliases: AliasReader,
    private readonly profiles: MemberProfiles,
    private readonly commands: RoomCommands,
    private readonly creation: RoomCreation,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The room to which the old one leads already, if the same user asked for the same before and is still in it: repeating is harmless. */
  async published(upgrade: Upgrade): Promise<RoomRecord | undefined> {
    const replacement = contentOf(upgrade.old, 'm.room.tombstone')?.['replacement_room'];
    const record = isRoomId(replacement) ? await this.rooms.byId(replacement) : undefined;
    if (record === undefined || !(await this.isOf(upgrade, record))) return undefined;
    const member = await this.rooms.membershipOf(upgrade.user, record.roomNid);
    return member?.membership === 'join' ? record : undefined;
  }

  /**
   * 1. A version that lets the room's id be chosen lets the create event name the tombstone: that is built first, and refused if it is.
   * 2. The room, with all of its state but bans and the children of a space, in one commit. All who replace the old room as it is now
   *    get one room: who asked first decides, also when that ended half-way.
   * @throws MatrixError 400 when somebody else is at it, or the same user for another version
   */
  async make(upgrade: Upgrade): Promise<Replacement> {
    const { old, rules, user } = upgrade;
    const wish = ['upgrade', old.record.roomId, old.state.get('m.room.tombstone')?.eventId ?? ''];
    const tombstone = rules.roomIdIsCreateEventId ? undefined : await this.prepareTombstone(upgrade, wish);
    const content = withTombstone(upgrade.creation, tombstone);
    const creators = [user, ...additionalCreators(content)];
    const powerLevels = replacementPowerLevels(
      contentOf(old, 'm.room.power_levels'),
      { rules: old.rules, creators: creatorsOf(old.create, old.rules) },
      { rules, creators },
    );
    const first = {
      roomVersion: rules.version,
      creator: user,
      // That which sets least: all that presets are about is set below.
      preset: 'public_chat' as const,
      creatorProfile: { ...(await this.profiles.one(user)) },
      inDirectory: false,
      isDirect: false,
      invite: [],
      initialState: replacementState(
        (type) => contentOf(old, type),
        await this.aliases.aliasesOf(old.record.roomNid),
        rules,
      ),
      powerLevelContentOverride: duringCreation(powerLevels, user, rules),
    };
    const roomId = await this.creation.create(first, content, rules, { roomId: roomOf(tombstone), wish });
    const record = await this.rooms.byId(roomId);
    if (record === undefined || !(await this.isOf(upgrade, record))) throw otherUpgrade();
    return { record, powerLevels, tombstone: roomOf(tombstone) === roomId ? tombstone : undefined };
  }

  private prepareTombstone({ old, user, rules }: Upgrade, wish: string[]): Promise<PreparedTombstone> {
    const content = tombstoneContent(newRoomId(this.config.serverName));
    const { roomId } = old.record;
    const event = { roomId, sender: user, type: 'm.room.tombstone', stateKey: '', content };
    return this.commands.prepareEvent(event, [...wish, user, rules.version]);
  }

  /** Whether a room was made by this very request, or one that asked for the same. */
  private async isOf({ user, creation, rules }: Upgrade, room: RoomRecord): Promise<boolean> {
    const create = await this.states.one({ room, until: undefined }, 'm.room.create', '');
    if (create?.pdu.sender !== user || room.version !== rules.version) return false;
    return isDeepStrictEqual(withoutEvent(create.pdu.content), creation);
  }
}

/** The create event names the tombstone where that can be known before. */
function withTombstone(creation: JsonObject, tombstone: PreparedTombstone | undefined): JsonObject {
  if (tombstone === undefined) return creation;
  const predecessor = creation['predecessor'] as JsonObject;
  return { ...creation, predecessor: { ...predecessor, event_id: tombstone.eventId } };
}

function withoutEvent(content: JsonObject): JsonObject {
  const { event_id: _, ...predecessor } = (content['predecessor'] ?? {}) as JsonObject;
  return { ...content, predecessor };
}

function roomOf(tombstone: PreparedTombstone | undefined): RoomId | undefined {
  return (tombstone?.event['content'] as JsonObject | undefined)?.['replacement_room'] as RoomId | undefined;
}

function additionalCreators({ additional_creators: additional }: JsonObject): string[] {
  return Array.isArray(additional) ? additional.filter((one) => typeof one === 'string') : [];
}

function otherUpgrade(): MatrixError {
  return new MatrixError(400, 'M_UNKNOWN', 'Another upgrade of this room is in progress');
}
