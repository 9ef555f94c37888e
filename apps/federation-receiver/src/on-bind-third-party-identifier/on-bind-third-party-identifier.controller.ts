import { roomIdSchema, userIdSchema } from '@atoll/contract';
import { ProfileReader } from '@atoll/database';
import { Public } from '@atoll/http';
import { invalidParam, notFound } from '@atoll/matrix';
import { Body, Controller, Put } from '@nestjs/common';
import { z } from 'zod';
import { signedInviteSchema } from '../exchange-third-party-invite/signed-invite.schema.js';
import { BoundInvites } from './bound-invites.js';

/** More than one person has waiting. */
const MAX_INVITES = 30;
const inviteSchema = z.object({
  medium: z.string(),
  address: z.string(),
  mxid: userIdSchema,
  room_id: roomIdSchema,
  sender: userIdSchema,
  signed: signedInviteSchema,
});
const bodySchema = z.object({
  medium: z.string(),
  address: z.string(),
  mxid: userIdSchema,
  invites: z.array(inviteSchema).max(MAX_INVITES),
});

/**
 * Identity servers sign no requests, so anybody may call this; only servers of the rooms can tell whether an invite is real. Hence what one
 * call, and all of them together, set going is bounded.
 */
@Public()
@Controller('_matrix/federation/v1/3pid/onbind')
export class OnBindThirdPartyIdentifierController {
  constructor(
    private readonly profiles: ProfileReader,
    private readonly invites: BoundInvites,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv13pidonbind */
  @Put()
  async onBindThirdPartyIdentifier(
    @Body({ schema: bodySchema }) { mxid, invites }: z.output<typeof bodySchema>,
  ) {
    if (invites.some((invite) => invite.mxid !== mxid || invite.signed.mxid !== mxid)) {
      throw invalidParam('The invites are not all of the bound user');
    }
    if ((await this.profiles.fieldsOf(mxid)) === undefined) throw notFound('User not found');
    await this.invites.exchange(invites);
    return {};
  }
}
