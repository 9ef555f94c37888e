import { isJsonObject, isUserId, type JsonObject, type UserId } from '@atoll/matrix';
import { z } from 'zod';

/** What an identity server signed: who the person is to whom a token was sent. It may hold more, which is signed as well. */
export interface SignedInvite extends JsonObject {
  readonly mxid: UserId;
  readonly token: string;
  readonly signatures: JsonObject;
}

function isSignedInvite(value: unknown): value is SignedInvite {
  if (!isJsonObject(value)) return false;
  return isUserId(value.mxid) && typeof value.token === 'string' && isJsonObject(value.signatures);
}

export const signedInviteSchema = z.custom<SignedInvite>(isSignedInvite, 'not a signed invite');
