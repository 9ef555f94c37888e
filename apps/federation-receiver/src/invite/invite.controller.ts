import { eventIdSchema, ReceiveInvite, roomIdSchema } from '@atoll/contract';
import { FederationSignature, Requester, RouteSettings } from '@atoll/http';
import { isJsonObject, type JsonObject, type JsonValue, type ServerName } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { jsonAnswer } from '../room-access/json-answer.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { InviteLimits } from './invite-limits.js';

const paramsSchema = z.object({ roomId: roomIdSchema, eventId: eventIdSchema });
type Params = z.output<typeof paramsSchema>;
const eventSchema = z.custom<JsonObject>(isJsonObject, 'must be an event');
const stateSchema = z.array(eventSchema).max(100).default([]);
const inviteSchema = z.object({
  event: eventSchema,
  room_version: z.string(),
  invite_room_state: stateSchema,
});

/** Takes invites of this server's users. */
@FederationSignature()
@Controller('_matrix/federation')
export class InviteController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly limits: InviteLimits,
    private readonly rooms: RoomClient,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid */
  @Put('v2/invite/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendInviteV2(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: inviteSchema }) body: z.output<typeof inviteSchema>,
  ) {
    const { event, room_version: version, invite_room_state: state } = body;
    return jsonAnswer([`{"event":${await this.receive(origin, params, event, version, state)}}`]);
  }

  /**
   * Of room versions 1 and 2: the event alone, and the answer in a list, after a status.
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1inviteroomideventid
   */
  @Put('v1/invite/:roomId/:eventId')
  @RouteSettings({ exactJson: true })
  async sendInviteV1(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Body({ schema: eventSchema }) event: JsonObject,
  ) {
    const pdu = await this.receive(origin, params, event, '1', shownIn(event['unsigned']));
    return jsonAnswer([`[200,{"event":${pdu}}]`]);
  }

  private async receive(
    origin: ServerName,
    { roomId, eventId }: Params,
    event: JsonObject,
    roomVersion: string,
    strippedState: JsonObject[],
  ): Promise<string> {
    await this.entitlement.assertNotDenied(origin, roomId);
    await this.limits.take(origin, event['state_key']);
    const input = { roomId, origin, eventId, roomVersion, pdu: JSON.stringify(event), strippedState };
    return (await this.rooms.request(ReceiveInvite, input)).pdu;
  }
}

/** Old servers say what the room is in the event itself. */
function shownIn(unsigned: JsonValue | undefined): JsonObject[] {
  const shown = isJsonObject(unsigned) ? unsigned['invite_room_state'] : undefined;
  return stateSchema.safeParse(shown).data ?? [];
}
