import type { Config } from '@atoll/config';
import { AliasReader } from '@atoll/database';
import {
  type JsonObject,
  MatrixError,
  type RoomAlias,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { rulesOf } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RoomCommands } from '../commands/room-commands.js';
import { noIdentityServer } from '../invite-user/no-identity-server.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { SettingsTransfer } from '../upgrade-room/settings-transfer.js';
import { createContent } from './create-event.js';
import type { CreateRoomBody } from './create-room.schema.js';
import { initialAlias } from './initial-alias.js';
import { type FirstState, RoomCreation } from './room-creation.js';

/** Creates a room: composes the command, of which the create event is a part because it may decide the room's id. */
@Injectable()
export class CreateRoomHandler {
  constructor(
    private readonly aliases: AliasReader,
    private readonly profiles: MemberProfiles,
    private readonly creation: RoomCreation,
    private readonly commands: RoomCommands,
    private readonly settings: SettingsTransfer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * 1. The room version's rules; nobody can be invited by e-mail address.
   * 2. The alias is free.
   * 3. The create event's content, and power levels that do not name its creators.
   * 4. The profiles of the members to be.
   * 5. The create event, and with it the room id; the room's owner does the rest in one commit. There is no room when one of this
   *    server's users blocks the invite.
   * 6. Users of other servers are invited: their servers must be asked. One that refuses or cannot be reached does not take the room away
   *    from its creator, who sees whom it holds and can invite again.
   * 7. What the creator has set for the room that this one replaces.
   * @throws MatrixError `M_ROOM_IN_USE`, `M_INVALID_ROOM_STATE` when the room's own rules refuse an initial event, `M_INVITE_BLOCKED`
   */
  async handle(creator: UserId, body: CreateRoomBody): Promise<RoomId> {
    const rules = rulesOf(body.room_version ?? this.config.defaultRoomVersion);
    if (rules === undefined) throw new Error('The default room version is not supported');
    if (body.invite_3pid.length > 0) throw noIdentityServer();
    const alias = await this.freeAlias(body);
    const content = createContent(creator, body, rules);
    const profileOf = await this.profiles.of([creator, ...body.invite]);
    const first: FirstState = {
      roomVersion: rules.version,
      creator,
      preset: body.preset ?? (body.visibility === 'public' ? 'public_chat' : 'private_chat'),
      creatorProfile: profileOf(creator),
      inDirectory: body.visibility === 'public',
      ...(alias !== undefined && { alias }),
      ...(body.name !== undefined && { name: body.name }),
      ...(body.topic !== undefined && { topic: body.topic }),
      isDirect: body.is_direct,
      invite: body.invite.map((userId) => ({ userId, profile: profileOf(userId) })),
      initialState: body.initial_state.map(({ type, state_key, content: state }) => {
        return { type, stateKey: state_key, content: state };
      }),
      ...(body.power_level_content_override && {
        powerLevelContentOverride: body.power_level_content_override as JsonObject,
      }),
    };
    const roomId = await this.creation.create(first, content, rules);
    await this.inviteOthers(creator, roomId, body);
    if (content['predecessor'] !== undefined) await this.settings.toMember(creator, roomId);
    return roomId;
  }

  private async inviteOthers(creator: UserId, roomId: RoomId, body: CreateRoomBody): Promise<void> {
    const others = body.invite.filter((userId) => serverNameOf(userId) !== this.config.serverName);
    const content = body.is_direct ? { is_direct: true } : {};
    const invites = [...new Set(others)].map((target) =>
      this.commands.changeMembership({ roomId, sender: creator, target, action: 'invite', content }),
    );
    for (const invite of await Promise.allSettled(invites)) {
      if (invite.status === 'rejected' && !(invite.reason instanceof MatrixError)) throw invite.reason;
    }
  }

  private async freeAlias({ room_alias_name: name }: CreateRoomBody): Promise<RoomAlias | undefined> {
    if (name === undefined) return undefined;
    const alias = initialAlias(name, this.config.serverName);
    if (await this.aliases.find(alias))
      throw new MatrixError(400, 'M_ROOM_IN_USE', `Room alias ${alias} is taken`);
    return alias;
  }
}
