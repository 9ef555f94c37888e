import { eventIdSchema, ReceiveMembership, type RemoteMembership, roomIdSchema } from '@atoll/contract';
import { EventReader } from '@atoll/database';
import { FederationSignature, Requester, RouteSettings } from '@atoll/http';
import { isJsonObject, type JsonObject, type ServerName } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { jsonAnswer } from '../room-access/json-answer.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { JoinAnswers } from './join-answers.js';
import { KnockStates } from './knock-states.js';

const paramsSchema = z.object({ roomId: roomIdSchema, eventId: eventIdSchema });
type Params = z.output<typeof paramsSchema>;
const eventSchema = z.custom<JsonObject>(isJsonObject, 'must be an event');
const joinQuerySchema = z.object({ omit_members: z.enum(['true', 'false']).default('false') });
/** Timeouts of room-state: a large room may have to be loaded first. */
const TIMEOUT_MS = 60_000;

/** Takes the member events by which users of other servers join, leave and knock with this server's help. */
@FederationSignature()
@Controller('_matrix/federation')
export class SendMembershipController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly rooms: RoomClient,
    private readonly events: EventReader,
    private readonly joins: JoinAnswers,
    private readonly knocks: KnockStates,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid */
  @Put('v2/send_join/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendJoin(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Query({ schema: joinQuerySchema }) { omit_members }: z.output<typeof joinQuerySchema>,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    const pdu = await this.receive(origin, 'join', params, event);
    return jsonAnswer(this.joins.parts(await this.numberOf(params), pdu, omit_members === 'true'));
  }

  /** Deprecated, and still asked for: the answer in a list, after a status. */
  @Put('v1/send_join/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendJoinV1(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    const pdu = await this.receive(origin, 'join', params, event);
    return jsonAnswer(inList(this.joins.parts(await this.numberOf(params), pdu, false)));
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_leaveroomideventid */
  @Put('v2/send_leave/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendLeave(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    await this.receive(origin, 'leave', params, event);
    return {};
  }

  /** Deprecated, and still asked for: the answer in a list, after a status. */
  @Put('v1/send_leave/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendLeaveV1(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    await this.receive(origin, 'leave', params, event);
    return [200, {}];
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_knockroomideventid */
  @Put('v1/send_knock/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendKnock(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    await this.receive(origin, 'knock', params, event);
    const { roomNid } = await this.entitlement.roomForMembership(origin, params.roomId);
    return jsonAnswer(this.knocks.parts(roomNid));
  }

  private async receive(
    origin: ServerName,
    membership: RemoteMembership,
    { roomId, eventId }: Params,
    event: JsonObject,
  ): Promise<string> {
    await this.entitlement.roomForMembership(origin, roomId);
    const input = { roomId, origin, eventId, membership, pdu: JSON.stringify(event) };
    return (await this.rooms.request(ReceiveMembership, input, { timeoutMs: TIMEOUT_MS })).pdu;
  }

  private async numberOf({ eventId }: Params): Promise<number> {
    return (await this.events.byIds([eventId])).get(eventId)?.eventNid ?? 0;
  }
}

async function* inList(parts: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield '[200,';
  yield* parts;
  yield ']';
}
