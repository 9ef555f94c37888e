import { verifySignature } from '@atoll/event-crypto';
import type { Pdu, ServerName } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { numberIn } from './event-format.js';
import { essentialJson } from './event-hashes.js';
import { requiredSigners } from './required-signers.js';

const SEVEN_DAYS_MS = 7 * 24 * 3_600_000;

/** A server's Ed25519 key as it published it; times in milliseconds since 1970. */
export interface VerifyKey {
  /** Unpadded Base64. */
  readonly publicKey: string;
  /** Of the key response that listed the key among `verify_keys`. */
  readonly validUntilTs?: number;
  /** Of a key among `old_verify_keys`. */
  readonly expiredTs?: number;
}

/** The key of a server that this server knows, from its cache: fetch what `signingKeyIds` names before. */
export type KeyLookup = (server: ServerName, keyId: string) => VerifyKey | undefined;

/** Why an event does not count as signed by one of the servers that must sign it. */
export interface SignatureProblem {
  readonly server: ServerName;
  /** `missing`: no Ed25519 signature; `no_usable_key`: none by a known key valid at the event's time; `invalid`: a wrong one. */
  readonly reason: 'missing' | 'no_usable_key' | 'invalid';
}

/**
 * Checks, over the redacted event, the signatures of every server that must sign: each needs at least one by a known key
 * that is valid at the event's time, and none by such a key may be wrong. Other algorithms and keys are ignored.
 * @param now for the rule that no key is trusted beyond seven days into the future
 * @throws CanonicalJsonError for an event that did not pass `parseEvent`
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export async function verifyEventSignatures(
  pdu: Pdu,
  rules: RoomVersionRules,
  keyFor: KeyLookup,
  now = Date.now(),
): Promise<SignatureProblem | undefined> {
  const message = Buffer.from(essentialJson(pdu, rules));
  const problems = requiredSigners(pdu, rules).map((server) =>
    checkServer(server, pdu, rules, message, keyFor, now),
  );
  return (await Promise.all(problems)).find((problem) => problem !== undefined);
}

/**
 * The same for one server, whether it must sign or not: the server of an invited user signs the invite.
 * @throws CanonicalJsonError for an event that did not pass `parseEvent`
 */
export function verifySignatureOf(
  server: ServerName,
  pdu: Pdu,
  rules: RoomVersionRules,
  keyFor: KeyLookup,
): Promise<SignatureProblem | undefined> {
  return checkServer(server, pdu, rules, Buffer.from(essentialJson(pdu, rules)), keyFor, Date.now());
}

/** Key ids of the Ed25519 signatures that a server put on the event: what must be known to verify them. */
export function signingKeyIds(pdu: Pdu, server: ServerName): string[] {
  return Object.keys(signaturesOf(pdu, server)).filter((keyId) => keyId.startsWith('ed25519:'));
}

/**
 * Whether a key may verify an event of this time. A retired key never does for later events; how long a current one counts
 * is asked from room version 5 on.
 * @see https://spec.matrix.org/v1.19/rooms/v5/#signing-key-validity-period
 */
export function isKeyValidAt(
  key: VerifyKey,
  originServerTs: number,
  now: number,
  { keyValidityIsEnforced }: RoomVersionRules,
): boolean {
  if (key.expiredTs !== undefined && key.expiredTs < originServerTs) return false;
  if (!keyValidityIsEnforced) return true;
  return key.validUntilTs === undefined || Math.min(key.validUntilTs, now + SEVEN_DAYS_MS) >= originServerTs;
}

async function checkServer(
  server: ServerName,
  pdu: Pdu,
  rules: RoomVersionRules,
  message: Uint8Array,
  keyFor: KeyLookup,
  now: number,
): Promise<SignatureProblem | undefined> {
  const keyIds = signingKeyIds(pdu, server);
  if (keyIds.length === 0) return { server, reason: 'missing' };
  const signatures = signaturesOf(pdu, server);
  const checks: Promise<boolean>[] = [];
  for (const keyId of keyIds) {
    const key = keyFor(server, keyId);
    if (key === undefined || !isKeyValidAt(key, numberIn(pdu.origin_server_ts), now, rules)) continue;
    checks.push(verifySignature(message, signatures[keyId] ?? '', key.publicKey));
  }
  if (checks.length === 0) return { server, reason: 'no_usable_key' };
  return (await Promise.all(checks)).every(Boolean) ? undefined : { server, reason: 'invalid' };
}

function signaturesOf(pdu: Pdu, server: ServerName): Record<string, string> {
  return Object.hasOwn(pdu.signatures, server) ? (pdu.signatures[server] ?? {}) : {};
}
