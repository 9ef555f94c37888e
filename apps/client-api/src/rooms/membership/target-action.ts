import type { MembershipAction } from '@atoll/contract';
import type { JsonObject, RoomId, ServerName, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RoomCommands } from '../commands/room-commands.js';
import { NoticesRoomCheck } from './notices-room.check.js';
import type { TargetBody } from './member-schemas.js';

/** What some actions need beside the request's body. */
export interface ActionExtras {
  /** The target's profile. */
  readonly content?: JsonObject;
  readonly via?: ServerName[];
}

/** What one user does to another's membership; whether it is allowed is for the room to say. */
@Injectable()
export class TargetAction {
  constructor(
    private readonly commands: RoomCommands,
    private readonly notices: NoticesRoomCheck,
  ) {}

  async run(
    action: MembershipAction,
    sender: UserId,
    roomId: RoomId,
    { user_id: target, reason }: TargetBody,
    { content = {}, via }: ActionExtras = {},
  ): Promise<JsonObject> {
    // Who kicks himself leaves, too.
    const leaves = sender === target && (action === 'leave' || action === 'kick');
    if (leaves) await this.notices.assertMayLeave(sender, roomId);
    await this.commands.changeMembership({
      roomId,
      sender,
      target,
      action,
      content,
      ...(reason !== undefined && { reason }),
      ...(via !== undefined && { via }),
    });
    return {};
  }
}
