import { type JsonObject, MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { rulesOf } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';
import { RoomCommands } from '../commands/room-commands.js';
import { createContent } from '../create-room/create-event.js';
import { CarryOver } from './carry-over.js';
import { type OldRoom, OldRooms } from './old-rooms.js';
import { type Replacement, Replacements } from './replacements.js';
import { Retirement } from './retirement.js';
import { SettingsTransfer } from './settings-transfer.js';
import { tombstoneContent, type Upgrade } from './upgrade.js';
import type { UpgradeRoomBody } from './upgrade-room.schema.js';

/** What creation contents say that a replacement says as well. */
const CARRIED = { type: 'string', 'm.federate': 'boolean' } as const;

/** Replaces a room by one of another version. */
@Injectable()
export class UpgradeRoomHandler {
  constructor(
    private readonly oldRooms: OldRooms,
    private readonly replacements: Replacements,
    private readonly carryOver: CarryOver,
    private readonly retirement: Retirement,
    private readonly commands: RoomCommands,
    private readonly settings: SettingsTransfer,
  ) {}

  /**
   * 1. The user may end the room; there are not more bans than can be carried over.
   * 2. The replacement: the one that this user got for the same request before, or a new one: `replacements.ts`.
   * 3. What there may be much of, such as bans; then the power levels that it is to have.
   * 4. The tombstone: from here on the replacement is known. Whatever goes wrong before leaves a room of which only its maker knows, and
   *    which the same request goes on with.
   * 5. What else becomes of the old room: `retirement.ts`. Cut off before or in it, the same request does the rest.
   * 6. What the user has set for the old room. Others' comes when they join.
   * @throws MatrixError 404, 403 and nothing is made; 400 when another upgrade of the room is in progress
   * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
   */
  async handle(user: UserId, roomId: RoomId, body: UpgradeRoomBody): Promise<RoomId> {
    const old = await this.oldRooms.upgradable(user, roomId);
    const upgrade = upgradeOf(user, old, body);
    const room = (await this.replacements.published(upgrade)) ?? (await this.replace(upgrade)).record;
    await this.retirement.of(old, room, user);
    await this.settings.toMember(user, room.roomId);
    return room.roomId;
  }

  private async replace(upgrade: Upgrade): Promise<Replacement> {
    const { old, user, creation } = upgrade;
    const luggage = await this.carryOver.of(old);
    const replacement = await this.replacements.make(upgrade);
    const { record, powerLevels } = replacement;
    const creators = (creation['additional_creators'] ?? []) as string[];
    await this.carryOver.into(record, luggage, user, [user, ...creators]);
    const final = { type: 'm.room.power_levels', stateKey: '', content: powerLevels };
    await this.commands.sendEvent({ roomId: record.roomId, sender: user, ...final });
    await this.sendTombstone(upgrade, replacement);
    return replacement;
  }

  private async sendTombstone({ old, user }: Upgrade, { record, tombstone }: Replacement): Promise<void> {
    const { roomId } = old.record;
    if (tombstone) {
      await this.commands.sendPrepared({ roomId, event: tombstone.event });
      return;
    }
    const event = { type: 'm.room.tombstone', stateKey: '', content: tombstoneContent(record.roomId) };
    await this.commands.sendEvent({ roomId, sender: user, ...event });
  }
}

/** @throws MatrixError 400 for additional creators that are no user ids, where the new version has them */
function upgradeOf(user: UserId, old: OldRoom, body: UpgradeRoomBody): Upgrade {
  const rules = rulesOf(body.new_version);
  if (rules === undefined) {
    throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', 'This room version is not supported');
  }
  const additional = rules.privilegedCreators ? body.additional_creators : undefined;
  const creation_content: JsonObject = {
    ...carried(old.create.pdu.content),
    predecessor: { room_id: old.record.roomId },
    ...(additional !== undefined && { additional_creators: additional as JsonObject }),
  };
  return {
    user,
    old,
    rules,
    creation: createContent(user, { creation_content, preset: undefined, invite: [] }, rules),
  };
}

function carried(content: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(CARRIED).flatMap(([key, type]) => {
      const value = content[key];
      return value !== undefined && typeof value === type ? [[key, value] as const] : [];
    }),
  );
}
