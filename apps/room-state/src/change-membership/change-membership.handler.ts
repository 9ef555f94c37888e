import { isDeepStrictEqual } from 'node:util';
import { ChangeMembership, type CommandInput, type CommandOutput } from '@atoll/contract';
import { forbidden, type JsonObject, notFound } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { EarlierAnswers } from '../answers/earlier-answers.js';
import { LocalEventBuilder } from '../append-event/local-event-builder.js';
import { deadlineOf } from '../room-actor/deadline.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { type Decision, RoomCommands } from '../room-actor/room-commands.js';
import { checkTransition, newMembership } from './membership-transitions.js';
import { RestrictedJoins } from './restricted-joins.js';

type Input = CommandInput<typeof ChangeMembership>;
type Output = CommandOutput<typeof ChangeMembership>;

/** Joins, invites, leaves, kicks, bans, unbans, knocks, and profile changes of members. */
@Controller()
export class ChangeMembershipHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly answers: EarlierAnswers,
    private readonly builder: LocalEventBuilder,
    private readonly restrictedJoins: RestrictedJoins,
  ) {}

  /**
   * 1. Repeated: the first answer again.
   * 2. The room's turn; the target's membership as it is now.
   * 3. Nothing to change: no event.
   * 4. What the endpoint refuses although the auth rules would let it pass.
   * 5. A restricted join: find the member of this server who lets the user in.
   * 6. Build, authorise, take.
   */
  @OnCommand(ChangeMembership)
  handle(input: Input, context: CommandContext): Promise<Output> {
    return this.answers.once(this.answers.command(context.idempotencyKey), () =>
      this.rooms.run(input.roomId, deadlineOf(context), async (actor) => {
        if (!actor) throw unknownRoom(input);
        return this.decide(actor, input, context);
      }),
    );
  }

  private async decide(actor: RoomActor, input: Input, context: CommandContext): Promise<Decision<Output>> {
    const lookup = await this.builder.stateLookup(actor, [['m.room.member', input.target]]);
    const current = lookup('m.room.member', input.target);
    const content = memberContent(input, current?.pdu.content);
    const membership = current?.pdu.content['membership'];
    if (input.action === 'update-profile' && membership !== 'join') return { answer: { eventId: null } };
    if (isUnchanged(input, current?.pdu.content, content)) return { answer: { eventId: null } };
    checkTransition(input.action, typeof membership === 'string' ? membership : undefined);
    const authoriser =
      input.action === 'join' && (await this.restrictedJoins.authoriser(actor, input.target));
    const built = await this.builder.build(actor, {
      type: 'm.room.member',
      sender: input.sender,
      stateKey: input.target,
      content: authoriser ? { ...content, join_authorised_via_users_server: authoriser } : content,
    });
    const pending = await this.builder.append(actor, built);
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

function memberContent(input: Input, current: JsonObject | undefined): JsonObject {
  const content: JsonObject = { ...input.content, membership: newMembership[input.action] };
  delete content['join_authorised_via_users_server'];
  delete content['third_party_invite'];
  if (input.reason !== undefined) content['reason'] = input.reason;
  // A member who is let in by a restricted rule stays authorised by it while the profile changes.
  const authorised = current?.['join_authorised_via_users_server'];
  if (input.action === 'update-profile' && authorised !== undefined) {
    content['join_authorised_via_users_server'] = authorised;
  }
  return content;
}

/** Joining twice and leaving twice change nothing, unless the join brings other content. */
function isUnchanged(input: Input, current: JsonObject | undefined, next: JsonObject): boolean {
  if (current?.['membership'] !== next['membership']) return false;
  if (input.action === 'leave') return true;
  if (input.action !== 'join' && input.action !== 'update-profile') return false;
  return isDeepStrictEqual(withoutAuthoriser(current), withoutAuthoriser(next));
}

function withoutAuthoriser(content: JsonObject | undefined): JsonObject {
  const { join_authorised_via_users_server, ...rest } = content ?? {};
  return rest;
}
