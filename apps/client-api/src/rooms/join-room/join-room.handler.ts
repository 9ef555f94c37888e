import { RoomReader } from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RoomCommands } from '../commands/room-commands.js';
import type { AliasTarget } from '../directory/resolve-alias.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { ViaServers } from '../membership/via-servers.js';
import { SettingsTransfer } from '../upgrade-room/settings-transfer.js';
import type { JoinRoom } from './join-room.controller.js';
import { ThirdPartyInvites } from './third-party-invites.js';

/** Lets a user into a room, of this server or by way of others. */
@Injectable()
export class JoinRoomHandler {
  constructor(
    private readonly rooms: RoomReader,
    private readonly profiles: MemberProfiles,
    private readonly via: ViaServers,
    private readonly commands: RoomCommands,
    private readonly settings: SettingsTransfer,
    private readonly thirdPartyInvites: ThirdPartyInvites,
  ) {}

  /**
   * 1. Who is in the room already and says nothing new stays as he is.
   * 2. Of an invite by e-mail and the like: who proves to be meant is invited first.
   * 3. The member event has the user's profile; further keys of the body go into it.
   * 4. Where this server is not in the room, others are asked: those that the client and the alias name first.
   * 5. What the user has set for the room that this one replaces.
   */
  async handle(userId: UserId, { roomId, servers }: AliasTarget, body: JoinRoom): Promise<JsonObject> {
    const { third_party_signed: signed, reason, ...custom } = body;
    const saysNothing = reason === undefined && Object.keys(custom).length === 0;
    const isJoined = await this.isJoined(userId, roomId);
    if (signed !== undefined && !isJoined) await this.thirdPartyInvites.exchange(userId, roomId, signed);
    if (!saysNothing || !isJoined) {
      await this.join(userId, { roomId, servers }, custom, reason);
    }
    await this.settings.toMember(userId, roomId);
    return { room_id: roomId };
  }

  private async join(
    userId: UserId,
    { roomId, servers }: AliasTarget,
    custom: JsonObject,
    reason: string | undefined,
  ): Promise<void> {
    const content = { ...(await this.profiles.one(userId)), ...custom };
    await this.commands.changeMembership({
      roomId,
      sender: userId,
      target: userId,
      action: 'join',
      content,
      ...(reason !== undefined && { reason }),
      via: await this.via.of(userId, roomId, servers),
    });
  }

  private async isJoined(userId: UserId, roomId: RoomId): Promise<boolean> {
    const room = await this.rooms.byId(roomId);
    return room !== undefined && (await this.rooms.membershipOf(userId, room.roomNid))?.membership === 'join';
  }
}
