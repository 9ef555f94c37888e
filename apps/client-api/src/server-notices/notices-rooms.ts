import type { Config, ServerNoticesConfig } from '@atoll/config';
import {
  RoomBlockReader,
  RoomReader,
  ServerNoticeDeliveryTransactor,
  ServerNoticeReader,
} from '@atoll/database';
import { isJsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { rulesOf } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { PutAccountDataHandler } from '../account-data/put-account-data.handler.js';
import { CONFIG } from '../platform/tokens.js';
import { RoomCommands } from '../rooms/commands/room-commands.js';
import { createContent } from '../rooms/create-room/create-event.js';
import { RoomCreation } from '../rooms/create-room/room-creation.js';
import { MemberProfiles } from '../rooms/membership/member-profiles.js';

/** By this clients know the room. */
const TAG = 'm.server_notice';
/** Below what anything needs: the user reads, and neither speaks nor invites. */
const USERS_LEVEL = -10;

/** The rooms in which users are told something: one for each, which is used for as long as the user does not leave it. */
@Injectable()
export class NoticesRooms {
  constructor(
    private readonly notices: ServerNoticeReader,
    private readonly deliveries: ServerNoticeDeliveryTransactor,
    private readonly rooms: RoomReader,
    private readonly blocks: RoomBlockReader,
    private readonly accountData: PutAccountDataHandler,
    private readonly profiles: MemberProfiles,
    private readonly creation: RoomCreation,
    private readonly commands: RoomCommands,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * The user's room. Each step may be repeated after a crash at any point:
   * 1. The room, made by the server's own user; all who want the successor of the same room get one room.
   * 2. It is remembered before the user hears of it, so that no invite is ever of a room that this server does not know as such.
   * 3. The tag, so that the user's clients know the room from the first moment on.
   * 4. The invite: users are invited rather than joined, as the specification says, and learn of it as of any other room.
   * @throws MatrixError what room-state or the account refuses
   */
  async of(userId: UserId, notices: ServerNoticesConfig): Promise<RoomId> {
    const last = await this.notices.roomOf(userId);
    const isUsable = last?.senderId === notices.userId && (await this.isOpen(last.roomId));
    const usable = isUsable ? last.roomId : undefined;
    const membership = usable && (await this.rooms.membershipsIn(userId, [usable])).get(usable);
    const isLeft = membership === 'leave' || membership === 'ban';
    const roomId = usable === undefined || isLeft ? await this.make(userId, notices, last?.roomId) : usable;
    await this.tag(userId, roomId);
    if (membership !== 'join' && membership !== 'invite') {
      const content = await this.profiles.one(userId);
      const invite = { roomId, sender: notices.userId, target: userId, action: 'invite', content } as const;
      await this.commands.changeMembership(invite, ['server notices', roomId, userId]);
    }
    return roomId;
  }

  /** An operator may have deleted it, or closed it. */
  private async isOpen(roomId: RoomId): Promise<boolean> {
    return (await this.rooms.byId(roomId)) !== undefined && !(await this.blocks.isBlocked(roomId));
  }

  private async make(
    userId: UserId,
    { userId: creator, roomName }: ServerNoticesConfig,
    last: RoomId | undefined,
  ): Promise<RoomId> {
    const rules = rulesOf(this.config.defaultRoomVersion);
    if (rules === undefined) throw new Error('The default room version is not supported');
    // What the server has to say to its users is no other server's business.
    const body = { creation_content: { 'm.federate': false }, preset: 'private_chat' as const, invite: [] };
    const first = {
      roomVersion: rules.version,
      creator,
      preset: body.preset,
      creatorProfile: { ...(await this.profiles.one(creator)) },
      inDirectory: false,
      name: roomName,
      isDirect: false,
      invite: [],
      initialState: [],
      powerLevelContentOverride: { users_default: USERS_LEVEL },
    };
    const wish = ['server notices', creator, userId, last ?? ''];
    const roomId = await this.creation.create(first, createContent(creator, body, rules), rules, { wish });
    await this.deliveries.rememberRoom(userId, { roomId, senderId: creator });
    return roomId;
  }

  /** Adds the tag where it is not, and leaves the user's own. */
  private async tag(userId: UserId, roomId: RoomId): Promise<void> {
    await this.accountData.update(userId, roomId, 'm.tag', (content) => {
      const tags = content?.['tags'];
      const before = isJsonObject(tags) ? tags : {};
      return Object.hasOwn(before, TAG) ? undefined : { ...content, tags: { ...before, [TAG]: {} } };
    });
  }
}
