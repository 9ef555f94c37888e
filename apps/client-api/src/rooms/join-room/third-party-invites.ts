import type { Config } from '@atoll/config';
import {
  forbidden,
  isJsonObject,
  isUserId,
  type JsonObject,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RemoteQuery } from '../../federation/remote-query.js';
import { CONFIG } from '../../platform/tokens.js';
import { RoomCommands } from '../commands/room-commands.js';

/** What an identity server signed, as a whole: whose the address is to which a token was sent. It may hold more. */
export interface ThirdPartySigned extends JsonObject {
  /** Who sent the `m.room.third_party_invite` event. */
  readonly sender: UserId;
  readonly mxid: UserId;
  /** The state key of that event. */
  readonly token: string;
  readonly signatures: JsonObject;
}

function isThirdPartySigned(value: unknown): value is ThirdPartySigned {
  if (!isJsonObject(value) || !isUserId(value.sender) || !isUserId(value.mxid)) return false;
  return typeof value.token === 'string' && isJsonObject(value.signatures);
}

export const thirdPartySignedSchema = z.custom<ThirdPartySigned>(
  isThirdPartySigned,
  'not what an identity server signs',
);

const MAX_ANSWER_BYTES = 65_536;

/** Turns invites by e-mail and the like into invites of the users who prove that they are meant. */
@Injectable()
export class ThirdPartyInvites {
  constructor(
    private readonly commands: RoomCommands,
    private readonly remote: RemoteQuery,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * The new invite needs the signature of the server of who sent the old one: it verifies the proof, and that the key is still valid. Who
   * is invited already stays that.
   * @throws MatrixError 403 for a proof that is somebody else's or matches no pending invite; of another server 502 to 504 too
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin
   */
  async exchange(userId: UserId, roomId: RoomId, signed: ThirdPartySigned): Promise<void> {
    if (signed.mxid !== userId) throw forbidden('The signed invite is of another user');
    const { sender } = signed;
    if (serverNameOf(sender) === this.config.serverName) {
      await this.commands.exchangeThirdPartyInvite({ roomId, sender, target: userId, signed });
      return;
    }
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed } };
    const answer = await this.remote.ask(serverNameOf(sender), {
      method: 'PUT',
      path: `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`,
      // What the room calls the invited person, only its members know.
      content: { type: 'm.room.member', room_id: roomId, sender, state_key: userId, content },
      maxBytes: MAX_ANSWER_BYTES,
    });
    if (answer === undefined) throw forbidden('The server that sent the invite does not know it');
  }
}
