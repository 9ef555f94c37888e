import { isDeepStrictEqual } from 'node:util';
import { type CommandInput, type CommandOutput, SendEvent } from '@atoll/contract';
import { type EventId, forbidden, isUserId, type JsonObject, notFound } from '@atoll/matrix';
import { powerLevelsIn } from '@atoll/room-rules';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { MembershipChanges } from '../change-membership/membership-changes.js';
import { EarlierAnswers } from '../answers/earlier-answers.js';
import { LocalEventBuilder } from '../append-event/local-event-builder.js';
import { assertStorable } from '../append-event/storable-text.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import { LocalEventSending } from '../policy-server/local-event-sending.js';
import { RemoteInvites } from '../remote-rooms/remote-invites.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { EventCache } from '../room-actor/event-cache.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Decision } from '../room-actor/room-commands.js';
import { RoomBlocks } from '../room-jobs/room-blocks.js';

type Input = CommandInput<typeof SendEvent>;
type Output = CommandOutput<typeof SendEvent>;

/** Redacting these takes what the room's rules or servers go by. */
const NEVER_REDACTED = ['m.room.create', 'm.room.server_acl'];

/** Sends one event of a local user. */
@Controller()
export class SendEventHandler {
  constructor(
    private readonly sending: LocalEventSending,
    private readonly answers: EarlierAnswers,
    private readonly builder: LocalEventBuilder,
    private readonly events: EventCache,
    private readonly memberships: MembershipChanges,
    private readonly invites: RemoteInvites,
    private readonly permissions: InvitePermissions,
    private readonly blocks: RoomBlocks,
  ) {}

  /**
   * 1. Repeated: the first answer again.
   * 2. Of an invite: an administrator may have blocked the room, a user of this server may block it, and another server signs it for its user.
   * 3. The room's turn.
   * 4. A member event goes the way of every membership change.
   * 5. Build, hash, authorise.
   * 6. Identical state: the event that holds it. Of a redaction: may the sender redact this event?
   * 7. The actor takes it; signature and commit follow, then the answer. In rooms with a policy server: `local-event-sending.ts`.
   */
  @OnCommand(SendEvent)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const { transaction, sender } = input;
    if (transaction) assertStorable(transaction.id, transaction.scope, transaction.deviceId);
    const find = transaction
      ? this.answers.transaction({ userId: sender, ...transaction })
      : this.answers.command(context.idempotencyKey);
    return this.answers.once(find, deadlineOf(context), async () => {
      const invite = inviteIn(input);
      if (invite) await this.blocks.assertOpen(input.roomId);
      if (invite) await this.permissions.assertAllowed(sender, [invite.target]);
      if (invite && this.invites.concerns(invite))
        return { eventId: await this.invites.invite(invite, deadlineOf(context)) };
      const resultKey = transaction ? undefined : context.idempotencyKey;
      return this.sending.run(input.roomId, deadlineOf(context), resultKey, async (actor) => {
        if (!actor) throw forbidden('You are not in this room');
        return this.decide(actor, input, resultKey);
      });
    });
  }

  private async decide(actor: RoomActor, input: Input, resultKey?: string): Promise<Decision<Output>> {
    const taken = await this.take(actor, input);
    if (typeof taken === 'string') return { answer: { eventId: taken } };
    const answer = { eventId: taken.event.eventId };
    return {
      answer,
      unit: {
        actor,
        events: [taken],
        extremities: actor.extremities,
        depth: actor.depth,
        ...(resultKey !== undefined && { commandResult: { key: resultKey, result: answer } }),
      },
    };
  }

  /** The event that the actor has taken, or the id of the one that holds identical state. */
  private async take(actor: RoomActor, input: Input): Promise<PendingEvent | EventId> {
    const { type, sender, stateKey, originServerTs, transaction } = input;
    if (type === 'm.room.member' && stateKey !== undefined) {
      const event = { sender, stateKey, content: input.content };
      return this.memberships.takeEvent(actor, event, { ...(transaction && { transaction }) });
    }
    const redaction = type === 'm.room.redaction' ? redactionOf(actor, input) : undefined;
    const built = await this.builder.build(actor, {
      type,
      sender,
      content: redaction?.content ?? input.content,
      ...(stateKey !== undefined && { stateKey }),
      ...(redaction?.redacts !== undefined && { redacts: redaction.redacts }),
      ...(originServerTs !== undefined && { originServerTs }),
    });
    const holder = await this.holderOfIdenticalState(actor, input);
    if (holder) return holder;
    const redactsNid = redaction?.redacts && (await this.redactable(actor, input, redaction.redacts));
    return this.builder.append(actor, built, {
      ...(transaction && { transaction }),
      ...(redactsNid !== undefined && { redactsNid }),
    });
  }

  private async holderOfIdenticalState(actor: RoomActor, input: Input): Promise<EventId | undefined> {
    if (input.stateKey === undefined) return undefined;
    const current = actor.stateEventId(input.type, input.stateKey);
    if (!current) return undefined;
    const event = (await this.events.load([current])).get(current);
    const same = event?.pdu.sender === input.sender && isDeepStrictEqual(event.pdu.content, input.content);
    return same ? current : undefined;
  }

  /**
   * The number of the event that the redaction redacts; `undefined` for one that this server does not have, whose redaction
   * is for others to apply. Stricter than the room rules, which let any user of the sender's server redact: what a server
   * allows its own users is up to it.
   * @throws MatrixError 403 when the sender may not redact it, or nobody may: without its content the room would change
   * hands or close; 404 for an event of another room
   * @see https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions
   */
  private async redactable(actor: RoomActor, input: Input, redacts: EventId): Promise<number | undefined> {
    const target = (await this.events.load([redacts])).get(redacts);
    if (!target?.accepted) return undefined;
    if (target.roomId !== actor.roomId) throw notFound('There is no such event in this room');
    if (NEVER_REDACTED.includes(target.pdu.type)) throw forbidden('Events of this type are not redacted');
    const lookup = await this.builder.stateLookup(actor, [
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
    ]);
    const levels = powerLevelsIn(lookup, actor.rules);
    if (target.pdu.sender !== input.sender && levels.userLevel(input.sender) < levels.level('redact')) {
      throw forbidden('You may not redact this event');
    }
    return target.eventNid;
  }
}

/** An invite that the client wrote itself. */
function inviteIn({ roomId, type, sender, stateKey, content, transaction }: Input) {
  if (type !== 'm.room.member' || content['membership'] !== 'invite' || !isUserId(stateKey)) return undefined;
  return {
    ...{ roomId, sender, target: stateKey, action: 'invite' as const, content },
    ...(transaction && { transaction }),
  };
}

/** Where the room version keeps `redacts`; clients may use either place. */
function redactionOf(actor: RoomActor, input: Input): { redacts?: EventId; content: JsonObject } {
  const { redacts: inContent, ...content } = input.content;
  const redacts = input.redacts ?? (typeof inContent === 'string' ? (inContent as EventId) : undefined);
  if (redacts === undefined) return { content: input.content };
  return { redacts, content: actor.rules.redactsInContent ? { ...content, redacts } : content };
}
