import { ChangeMembership, type CommandInput, type CommandOutput } from '@atoll/contract';
import { forbidden, notFound } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { type EarlierAnswer, EarlierAnswers } from '../answers/earlier-answers.js';
import { assertStorable } from '../append-event/storable-text.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import { deadlineOf } from '../room-actor/deadline.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Decision } from '../room-actor/room-commands.js';
import { LocalEventSending } from '../policy-server/local-event-sending.js';
import { RemoteInvites } from '../remote-rooms/remote-invites.js';
import { MembershipChanges } from './membership-changes.js';
import { RemoteChanges } from './remote-changes.js';
import { RoomBlocks } from '../room-jobs/room-blocks.js';
import { NobodyHereMayAuthorise } from './restricted-joins.js';

type Input = CommandInput<typeof ChangeMembership>;
type Output = CommandOutput<typeof ChangeMembership>;

/** What leads into a room. */
const ENTERS: readonly Input['action'][] = ['join', 'invite', 'knock'];

/** Joins, invites, leaves, kicks, bans, unbans, knocks, and profile changes of members. */
@Controller()
export class ChangeMembershipHandler {
  constructor(
    private readonly sending: LocalEventSending,
    private readonly answers: EarlierAnswers,
    private readonly changes: MembershipChanges,
    private readonly remote: RemoteChanges,
    private readonly invites: RemoteInvites,
    private readonly permissions: InvitePermissions,
    private readonly blocks: RoomBlocks,
  ) {}

  /**
   * 1. Repeated: the first answer again.
   * 2. An administrator may have blocked the room. Of an invite: a user of this server may block it.
   * 3. In a room that this server is not in, with the help of servers that are: `remote-changes.ts`. Of an invite of another server's
   *    user, that server is asked: `remote-invites.ts`.
   * 4. The room's turn.
   * 5. `membership-changes.ts`: nothing to change; what the endpoint refuses although the auth rules would let it pass;
   *    of a restricted join, the member of this server who lets the user in; build, authorise, take. In rooms with a policy server:
   *    `local-event-sending.ts`.
   */
  @OnCommand(ChangeMembership)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const deadline = deadlineOf(context);
    return this.answers.once(this.earlier(input, context), deadline, async () => {
      if (ENTERS.includes(input.action)) await this.blocks.assertOpen(input.roomId);
      if (input.action === 'invite') await this.permissions.assertAllowed(input.sender, [input.target]);
      const eventId = await this.remote.change(input, deadline);
      if (eventId !== undefined) return { eventId };
      if (this.invites.concerns(input)) return { eventId: await this.invites.invite(input, deadline) };
      try {
        return await this.sending.run(input.roomId, deadline, context.idempotencyKey, async (actor) => {
          if (!actor) throw unknownRoom(input);
          return this.decide(actor, input, context);
        });
      } catch (error) {
        if (!(error instanceof NobodyHereMayAuthorise)) throw error;
        const eventId = await this.remote.joinByOthers(input, deadline);
        if (eventId === undefined) throw error;
        return { eventId };
      }
    });
  }

  /** Instances of the version before know only the command: what they have answered counts, too. */
  private earlier({ transaction, sender }: Input, { idempotencyKey }: CommandContext): EarlierAnswer {
    const command = this.answers.command(idempotencyKey);
    if (!transaction) return command;
    assertStorable(transaction.id, transaction.scope, transaction.deviceId);
    return this.answers.either(this.answers.transaction({ userId: sender, ...transaction }), command);
  }

  private async decide(actor: RoomActor, input: Input, context: CommandContext): Promise<Decision<Output>> {
    const pending = await this.changes.take(actor, input, {
      ...(input.transaction && { transaction: input.transaction }),
    });
    if (!pending) return { answer: { eventId: null } };
    const answer = { eventId: pending.event.eventId };
    return {
      answer,
      unit: {
        actor,
        events: [pending],
        extremities: actor.extremities,
        depth: actor.depth,
        commandResult: { key: context.idempotencyKey, result: answer },
      },
    };
  }
}

/** A room that does not exist looks like one that the user may not enter, except to those who ask to enter. */
function unknownRoom({ action }: Input) {
  const enters = action === 'join' || action === 'knock' || action === 'leave';
  return enters ? notFound('There is no such room') : forbidden('You are not in this room');
}
