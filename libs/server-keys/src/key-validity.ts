import type { KnownServerKey } from '@atoll/database';
import type { VerifyKey } from '@atoll/room-rules';

/** No answer about keys is believed for longer, whatever it says. @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
const MAX_KEY_AGE_MS = 7 * 24 * 60 * 60_000;

/**
 * Whether asking again could tell no more about what the key verifies at a time. A retired key stays retired, so that nothing
 * is to be learnt about it any more.
 */
export function isSettled(key: KnownServerKey, validAt: number): boolean {
  return key.expiredTs !== null || believedUntil(key) >= validAt;
}

/** The key as checks of signatures take it. */
export function toVerifyKey(key: KnownServerKey): VerifyKey {
  const { publicKey, expiredTs } = key;
  return {
    publicKey,
    validUntilTs: believedUntil(key),
    ...(expiredTs !== null && { expiredTs }),
  };
}

function believedUntil({ validUntilTs, fetchedTs }: KnownServerKey): number {
  return Math.min(validUntilTs, fetchedTs + MAX_KEY_AGE_MS);
}
