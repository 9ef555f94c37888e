import { type CommandInput, type CommandOutput, ReceiveMembership } from '@atoll/contract';
import { badJson, forbidden, invalidParam, isUserId, notFound, type Pdu, serverNameOf } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { parseEventText, type RoomVersionRules, signEvent } from '@atoll/room-rules';
import { ReceivedPduCheck } from '@atoll/server-keys';
import { Controller } from '@nestjs/common';
import { PduAcceptance, type PduResult } from '../accept-pdus/pdu-acceptance.js';
import { RestrictedJoins } from '../change-membership/restricted-joins.js';
import { PolicySignatures } from '../policy-server/policy-signatures.js';
import { OwnSignature } from '../remote-rooms/own-signature.js';
import { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { EventCache } from '../room-actor/event-cache.js';
import { RoomCommands } from '../room-actor/room-commands.js';

type Input = CommandInput<typeof ReceiveMembership>;
type Output = CommandOutput<typeof ReceiveMembership>;

/** Takes the member events by which users of other servers join, leave and knock with this server's help. */
@Controller()
export class ReceiveMembershipHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly checks: ReceivedPduCheck,
    private readonly acceptance: PduAcceptance,
    private readonly restrictedJoins: RestrictedJoins,
    private readonly unjoined: UnjoinedRooms,
    private readonly events: EventCache,
    private readonly own: OwnSignature,
    private readonly policySignatures: PolicySignatures,
  ) {}

  /**
   * 1. The event is what the endpoint takes, and of the server that brings it.
   * 2. Of a join by authority of one of our users: that user may authorise it. Only then it gets our signature.
   * 3. The recommendation of the room's policy server, if it has one.
   * 4. The way of every event of other servers. Whatever is not accepted outright is refused.
   */
  @OnCommand(ReceiveMembership)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const deadline = deadlineOf(context);
    const rules = await this.rooms.rulesOf(input.roomId, deadline);
    if (!rules) throw notFound('This server is not in such a room');
    const pdu = memberEventIn(input, rules);
    const authoriser = this.authoriserAmongUs(pdu, input, rules);
    const signed = authoriser ? await signEvent(pdu, rules, this.own.serverName, this.own.key) : pdu;
    const checked = await this.checks.check(JSON.stringify(signed), rules, input.origin);
    if ('refused' in checked) throw forbidden(checked.refused);
    const { event } = checked;
    if (event.roomId !== input.roomId) throw badJson('The event is of another room');
    if (event.eventId !== input.eventId) throw badJson('The event has another id');
    const received = await this.policySignatures.completeOne(input.roomId, checked);
    const result = await this.rooms.run(input.roomId, deadline, async (actor) => {
      if (!actor || !(await this.unjoined.isJoined(actor)))
        throw notFound('This server is not in such a room');
      if (authoriser) await this.restrictedJoins.assertMeetsCondition(actor, pdu.sender);
      return this.acceptance.decide(actor, received, { isForwarded: true });
    });
    if (!(await this.isAccepted(result))) throw refusal(result);
    return { pdu: JSON.stringify(received.exact) };
  }

  /** Our user by whose authority a join is made. A signature is given to nothing but such joins. */
  private authoriserAmongUs(pdu: Pdu, { membership }: Input, rules: RoomVersionRules) {
    const authoriser = pdu.content['join_authorised_via_users_server'];
    if (membership !== 'join' || !rules.authoriserServerSigns || !isUserId(authoriser)) return undefined;
    return serverNameOf(authoriser) === this.own.serverName ? authoriser : undefined;
  }

  /** Bringing the same event again gives the same answer. */
  private async isAccepted({ outcome, eventId }: PduResult): Promise<boolean> {
    if (outcome !== 'duplicate') return outcome === 'accepted';
    return (await this.events.load([eventId])).get(eventId)?.accepted === true;
  }
}

/** @throws MatrixError 400 for anything but such a member event, 403 for one of another server's user */
function memberEventIn({ pdu: text, membership, origin }: Input, rules: RoomVersionRules): Pdu {
  const parsed = parseEventText(text, rules);
  if ('problem' in parsed) throw badJson(parsed.problem);
  const pdu = parsed.event;
  if (pdu.type !== 'm.room.member' || pdu.state_key === undefined) throw badJson('No member event');
  if (pdu.content['membership'] !== membership) throw badJson(`The membership is not ${membership}`);
  if (pdu.state_key !== pdu.sender) throw badJson('The event is about somebody else');
  if (!isUserId(pdu.sender)) throw invalidParam('The sender is no user');
  if (serverNameOf(pdu.sender) !== origin) throw forbidden('The user is of another server');
  return pdu;
}

function refusal(result: PduResult) {
  if (result.outcome === 'missing-events') return badJson('The event follows events that are not known here');
  return forbidden('reason' in result ? result.reason : 'The event was refused before');
}
