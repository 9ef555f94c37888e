import { generateSigningKey, signJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonAnswer } from './remote-answer.js';
import type { Signer } from './send-request.js';

const HOUR_MS = 3_600_000;

export interface KeyAnswerOptions {
  /** Milliseconds since 1970. Default: in an hour. */
  readonly validUntilTs?: number;
  /** Keys that count no longer, and since when. */
  readonly oldKeys?: readonly { readonly key: SigningKey; readonly expiredTs: number }[];
  /** Who signs the answer instead of the key that it publishes. */
  readonly signedWith?: SigningKey;
}

/**
 * What a server says of its keys.
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export async function keyAnswer(
  { serverName, key }: Signer,
  options: KeyAnswerOptions = {},
): Promise<JsonAnswer> {
  const { validUntilTs = Date.now() + HOUR_MS, oldKeys = [], signedWith = key } = options;
  const old = oldKeys.map(({ key: { keyId, publicKey }, expiredTs }) => [
    keyId,
    { key: publicKey, expired_ts: expiredTs },
  ]);
  const said = {
    server_name: serverName,
    valid_until_ts: validUntilTs,
    verify_keys: { [key.keyId]: { key: key.publicKey } },
    old_verify_keys: Object.fromEntries(old) as Record<string, { key: string; expired_ts: number }>,
  };
  return { body: await signJson(said, serverName, signedWith) };
}

/** Keys whose answer nobody signed who could. */
export function wronglySignedKeyAnswer(signer: Signer): Promise<JsonAnswer> {
  return keyAnswer(signer, { signedWith: generateSigningKey() });
}
