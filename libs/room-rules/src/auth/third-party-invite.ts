import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { CanonicalJsonError, signedBytes } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, type Pdu } from '@atoll/matrix';
import type { MemberContext } from './member-rules.js';
import { membershipOf } from './membership.js';
import type { Rejection } from './rejection.js';

/** An event of 65,536 bytes has room for hundreds of keys and signatures; honest ones carry one or two of each. */
const MAX_VERIFICATIONS = 64;
const KEY_BYTES = 32;

/** A key of an identity server, as an `m.room.third_party_invite` event names it. */
export interface ThirdPartyKey {
  /** As it is written there, in either Base64 alphabet. */
  readonly publicKey: string;
  /** Where to ask whether the key is still valid; without it, the key is so for ever. */
  readonly validityUrl?: string;
}

/**
 * `membership: invite` with `third_party_invite`: signatures are verified in place, because rules answer at once.
 * At most 64 pairs of key and signature are tried.
 * @see https://spec.matrix.org/v1.19/server-server-api/#verifying-the-invite
 */
export function checkThirdPartyInvite(
  pdu: Pdu,
  target: string,
  context: MemberContext,
): Rejection | undefined {
  const { state, rules } = context;
  const reject = rules.authRules;
  const { third_party_invite: invite } = pdu.content;
  if (membershipOf(target, state) === 'ban') return reject.thirdPartyInviteTargetBanned;

  const signed = isJsonObject(invite) ? invite.signed : undefined;
  if (!isJsonObject(signed)) return reject.thirdPartyInviteUnsigned;
  const { mxid, token } = signed;
  if (typeof mxid !== 'string' || typeof token !== 'string') return reject.thirdPartyInviteIncomplete;
  if (mxid !== target) return reject.thirdPartyInviteForOther;

  const stored = state('m.room.third_party_invite', token);
  if (stored === undefined) return reject.thirdPartyInviteUnknownToken;
  if (stored.pdu.sender !== pdu.sender) return reject.thirdPartyInviteOtherSender;
  const [first] = keysThatSigned(signed, stored.pdu.content);
  return first ? undefined : reject.thirdPartyInviteBadSignature;
}

/**
 * Those keys of an `m.room.third_party_invite` event's content that have signed, one after the other; at most 64 pairs of key and
 * signature are tried for all of them.
 */
export function* keysThatSigned(signed: JsonObject, content: JsonObject): Generator<ThirdPartyKey> {
  const message = canonicalBytes(signed);
  if (message === undefined) return;
  const keys = keysOf(content);
  const pairs = signaturesOf(signed).flatMap((signature) => keys.map((key) => [signature, key] as const));
  for (const [signature, { named, key }] of pairs.slice(0, MAX_VERIFICATIONS)) {
    if (verify(null, message, key, signature)) yield named;
  }
}

function keysOf(content: JsonObject): { readonly named: ThirdPartyKey; readonly key: KeyObject }[] {
  const listed = Array.isArray(content.public_keys) ? content.public_keys : [];
  return [content, ...listed].flatMap((entry) => {
    if (!isJsonObject(entry) || typeof entry.public_key !== 'string') return [];
    const { public_key: publicKey, key_validity_url: validityUrl } = entry;
    const key = importKey(publicKey);
    return key ? { key, named: { publicKey, ...(typeof validityUrl === 'string' && { validityUrl }) } } : [];
  });
}

/** Keys may be written in either Base64 alphabet; Node reads both. */
function importKey(base64: string): KeyObject | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== KEY_BYTES) return undefined;
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
    format: 'jwk',
  });
}

function signaturesOf(signed: JsonObject): Buffer[] {
  if (!isJsonObject(signed.signatures)) return [];
  return Object.values(signed.signatures)
    .flatMap((byKey) => (isJsonObject(byKey) ? Object.entries(byKey) : []))
    .filter(([keyId, signature]) => keyId.startsWith('ed25519:') && typeof signature === 'string')
    .map(([, signature]) => Buffer.from(signature as string, 'base64'));
}

function canonicalBytes(signed: JsonObject): Buffer | undefined {
  try {
    return signedBytes(signed);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined;
    throw error;
  }
}
