import { type CommandInput, type CommandOutput, ReceiveInvite } from '@atoll/contract';
import {
  forbidden,
  invalidParam,
  isUserId,
  type JsonObject,
  MatrixError,
  missingParam,
  type Pdu,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { parseEventText, rulesOf, type RoomVersionRules, signEvent } from '@atoll/room-rules';
import { type ReceivedEvent, ReceivedPduCheck } from '@atoll/server-keys';
import { Controller } from '@nestjs/common';
import { PduAcceptance, type PduResult } from '../accept-pdus/pdu-acceptance.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import { PolicySignatures } from '../policy-server/policy-signatures.js';
import { OwnSignature } from '../remote-rooms/own-signature.js';
import { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { deadlineOf } from '../room-actor/deadline.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { type Decision, RoomCommands } from '../room-actor/room-commands.js';
import { RoomBlocks } from '../room-jobs/room-blocks.js';

type Input = CommandInput<typeof ReceiveInvite>;
type Output = CommandOutput<typeof ReceiveInvite>;
type Invite = Pdu & { readonly state_key: UserId };

/** Takes invites of this server's users by other servers. */
@Controller()
export class ReceiveInviteHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly checks: ReceivedPduCheck,
    private readonly acceptance: PduAcceptance,
    private readonly unjoined: UnjoinedRooms,
    private readonly own: OwnSignature,
    private readonly policySignatures: PolicySignatures,
    private readonly permissions: InvitePermissions,
    private readonly blocks: RoomBlocks,
  ) {}

  /**
   * 1. The event is an invite of one of our users by a user of the server that brings it, and signed by it.
   * 2. An administrator may have blocked the room, and the user may block the invite: then nothing of it is signed or kept.
   * 3. What it shows of the room is of that room, where the room version lets this server see that: `checkShownState`.
   * 4. In a room that this server is in, it is an event like any other, and refused where it would not be accepted. Should it follow
   *    events that this server still misses, it will come once more in a transaction, as the specification says.
   * 5. Else it is kept as what the user was told.
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
   */
  @OnCommand(ReceiveInvite)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const rules = rulesOf(input.roomVersion);
    if (!rules) {
      throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'This room version is not supported', {
        room_version: input.roomVersion,
      });
    }
    const deadline = deadlineOf(context);
    const pdu = inviteIn(input, rules, this.own);
    const checked = await this.checks.check(JSON.stringify(pdu), rules, input.origin);
    if ('refused' in checked) throw invalidParam(checked.refused);
    if (checked.event.roomId !== input.roomId) throw invalidParam('The event is of another room');
    if (checked.event.eventId !== input.eventId) throw invalidParam('The event has another id');
    await this.blocks.assertOpen(input.roomId);
    await this.permissions.assertAllowed(pdu.sender, [pdu.state_key]);
    await this.checkShownState(input, rules);
    const exact = await signEvent(checked.exact, rules, this.own.serverName, this.own.key);
    await this.unjoined.ensure(input.roomId, rules);
    const received = await this.policySignatures.completeOne(input.roomId, {
      event: { ...checked.event, pdu: { ...checked.event.pdu, signatures: exact.signatures } },
      exact,
    });
    const result = await this.rooms.run(input.roomId, deadline, (actor) =>
      this.decide(actor, received, JSON.stringify(input.strippedState)),
    );
    if (result && 'reason' in result) throw forbidden(result.reason);
    return { pdu: JSON.stringify(received.exact) };
  }

  private async decide(
    actor: RoomActor | undefined,
    received: ReceivedEvent,
    strippedState: string,
  ): Promise<Decision<PduResult | undefined>> {
    if (!actor) throw new Error('the room of the invite is gone');
    if (await this.unjoined.isJoined(actor)) return this.acceptance.decide(actor, received);
    return { answer: undefined, unit: await this.unjoined.place(actor, received, strippedState) };
  }

  /**
   * The create event must be among the events, and all must be signed events of the room. Where rooms are older than version 12, other
   * servers may still send stripped events, which prove nothing: those pass, as the specification's transition asks.
   * @throws MatrixError 400 `M_MISSING_PARAM` or `M_INVALID_PARAM`
   */
  private async checkShownState(
    { strippedState, roomId, origin }: Input,
    rules: RoomVersionRules,
  ): Promise<void> {
    const isStrict = rules.roomIdIsCreateEventId;
    if (!isStrict && strippedState.some((event) => event['origin_server_ts'] === undefined)) return;
    const create = strippedState.find(({ type, state_key }) => type === 'm.room.create' && state_key === '');
    if (!create) {
      if (isStrict) throw missingParam('invite_room_state has no create event');
      return;
    }
    const texts = strippedState.map((event: JsonObject) => JSON.stringify(event));
    for (const checked of await this.checks.checkAll(texts, rules, origin)) {
      if (!('event' in checked)) throw invalidParam(`invite_room_state: ${checked.refused}`);
      if (checked.event.roomId !== roomId) throw invalidParam('invite_room_state is of another room');
    }
  }
}

/** @throws MatrixError 400 `M_INVALID_PARAM` for anything but an invite of one of our users by one of theirs */
function inviteIn(
  { pdu: text, origin }: Input,
  rules: RoomVersionRules,
  { serverName }: OwnSignature,
): Invite {
  const parsed = parseEventText(text, rules);
  if ('problem' in parsed) throw invalidParam(parsed.problem);
  const pdu = parsed.event;
  if (pdu.type !== 'm.room.member') throw invalidParam('No member event');
  if (pdu.content['membership'] !== 'invite') throw invalidParam('The membership is not invite');
  if (!isUserId(pdu.sender) || serverNameOf(pdu.sender) !== origin) {
    throw invalidParam('The sender is not of the server that brings the invite');
  }
  if (!isUserId(pdu.state_key) || serverNameOf(pdu.state_key) !== serverName) {
    throw invalidParam('The invited user is not of this server');
  }
  return { ...pdu, sender: pdu.sender, state_key: pdu.state_key };
}
