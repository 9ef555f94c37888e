import type { AnsweredKey } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { ServerName } from '@atoll/matrix';
import { readKeyAnswer } from './read-key-answer.js';

const PATH = '/_matrix/key/v2/server';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 262_144;

/** What a server says about its keys: checked, and as text. */
export interface KeyAnswer {
  readonly json: string;
  readonly keys: readonly AnsweredKey[];
}

/**
 * Asks a server itself for its keys.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server
 */
export async function askOrigin(
  federation: FederationClient,
  serverName: ServerName,
): Promise<KeyAnswer | 'unusable' | 'unreachable'> {
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
  const result = await federation.send(serverName, 'GET', PATH, undefined, options);
  if (result.outcome !== 'answered') return 'unreachable';
  const keys = await readKeyAnswer(result.body, serverName);
  return keys === undefined ? 'unusable' : { json: JSON.stringify(result.body), keys };
}
