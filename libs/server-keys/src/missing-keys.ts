import type { KnownServerKey } from '@atoll/database';
import { isServerName, type ServerName } from '@atoll/matrix';
import { isSettled } from './key-validity.js';
import { isKeyId } from './read-key-answer.js';

/** A key that a signature names. */
export interface WantedKey {
  readonly serverName: ServerName;
  readonly keyId: string;
  /** The key must have been valid then: ms since 1970. */
  readonly validAt: number;
}

/** A server of which something is still to be learnt. */
export interface MissingKeys {
  readonly serverName: ServerName;
  /** By key id: until when an answer should be valid, in ms since 1970. */
  readonly keys: ReadonlyMap<string, number>;
}

export type KnownKeys = ReadonlyMap<string, KnownServerKey>;

/** How known keys are named in maps. */
export const nameOfKey = (serverName: ServerName, keyId: string) => `${serverName} ${keyId}`;

/** No validity beyond this is believed, so that no more needs to be asked for. */
const MAX_VALIDITY_MS = 7 * 24 * 60 * 60_000;

/** Those of the wanted keys about which asking might tell more than is known, by server. What no server can have is passed over. */
export function missingKeys(wanted: readonly WantedKey[], known: KnownKeys): MissingKeys[] {
  const missing = new Map<ServerName, Map<string, number>>();
  const latest = Date.now() + MAX_VALIDITY_MS;
  for (const { serverName, keyId, validAt } of wanted) {
    const key = known.get(nameOfKey(serverName, keyId));
    if (key !== undefined && isSettled(key, validAt)) continue;
    if (!isServerName(serverName) || !isKeyId(keyId)) continue;
    const keys = missing.get(serverName) ?? new Map<string, number>();
    const until = Math.max(0, Math.min(validAt, latest));
    missing.set(serverName, keys.set(keyId, Math.max(until, keys.get(keyId) ?? 0)));
  }
  return [...missing].map(([serverName, keys]) => ({ serverName, keys }));
}
