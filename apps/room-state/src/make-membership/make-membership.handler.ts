import { type CommandInput, type CommandOutput, MakeMembership } from '@atoll/contract';
import { type JsonObject, MatrixError, notFound } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { LocalEventBuilder } from '../append-event/local-event-builder.js';
import { RestrictedJoins } from '../change-membership/restricted-joins.js';
import { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { type RoomActor, roomBlocked } from '../room-actor/room-actor.js';
import { RoomCommands } from '../room-actor/room-commands.js';

type Input = CommandInput<typeof MakeMembership>;
type Output = CommandOutput<typeof MakeMembership>;

/** Draws up member events for users of other servers. */
@Controller()
export class MakeMembershipHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly builder: LocalEventBuilder,
    private readonly restrictedJoins: RestrictedJoins,
    private readonly unjoined: UnjoinedRooms,
  ) {}

  /**
   * 1. This server is in the room, and the user's server understands its version.
   * 2. Of a restricted join, the member of this server who lets the user in.
   * 3. The event as it would be accepted now, without what only its server can add.
   */
  @OnCommand(MakeMembership)
  handle(input: Input, context: CommandContext): Promise<Output> {
    return this.rooms.run(input.roomId, deadlineOf(context), async (actor) => {
      if (!actor || !(await this.unjoined.isJoined(actor)))
        throw notFound('This server is not in such a room');
      if (actor.isBlocked && input.membership !== 'leave') throw roomBlocked();
      return { answer: await this.make(actor, input) };
    });
  }

  private async make(actor: RoomActor, { userId, membership, versions }: Input): Promise<Output> {
    const { version } = actor.rules;
    if (versions && !versions.includes(version)) {
      throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', `The room is of version ${version}`, {
        room_version: version,
      });
    }
    const authoriser =
      membership === 'join' && (await this.restrictedJoins.authoriserForOthers(actor, userId));
    const { hashed } = await this.builder.build(actor, {
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { membership, ...(authoriser && { join_authorised_via_users_server: authoriser }) },
    });
    const { hashes, signatures, event_id, ...event } = hashed.event.pdu;
    return { roomVersion: version, event: event as JsonObject };
  }
}
