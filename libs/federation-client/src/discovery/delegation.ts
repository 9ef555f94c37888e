import { isUtf8 } from 'node:buffer';
import { exceedsJsonDepth, isJsonObject } from '@atoll/matrix';
import { splitServerName, type ServerNameParts } from './server-name-parts.js';

/** What `/.well-known/matrix/server` answered, after redirects. */
export interface WellKnownAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** More than one object deep is no delegation, but a neighbour's field may be. */
const MAX_DEPTH = 20;

/**
 * The server name that an answer delegates to, whatever its content type; undefined when it is invalid in any way.
 * @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
export function readDelegation({ status, body }: WellKnownAnswer): ServerNameParts | undefined {
  if (status !== 200 || !isUtf8(body)) return undefined;
  const value = parse(body.toString());
  const name = isJsonObject(value) && Object.hasOwn(value, 'm.server') ? value['m.server'] : undefined;
  return typeof name === 'string' ? splitServerName(name) : undefined;
}

function parse(text: string): unknown {
  if (exceedsJsonDepth(text, MAX_DEPTH)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
