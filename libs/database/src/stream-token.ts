import { STREAM_NAMES, type StreamPositions } from './stream-registry.js';

const VERSION = 's1';
const RADIX = 36;

/** A sync token: `s1_<position>_<position>…` in base 36, in the order of the stream registry. Opaque to clients. */
export function encodeToken(positions: StreamPositions): string {
  return [VERSION, ...STREAM_NAMES.map((name) => positions[name].toString(RADIX))].join('_');
}

/**
 * Reads a token. One from before a stream was added starts that stream from its beginning; fields of streams that only a newer
 * release knows are ignored, and so is what sliding sync adds behind a tilde: its `pos` pages through history like any other token.
 *
 * @returns undefined for anything that {@link encodeToken} cannot have written.
 */
export function decodeToken(token: string): StreamPositions | undefined {
  const [, known] = /^(s1(?:_[0-9a-z]{1,11}){1,64})(?:~[0-9a-z_]{1,32})?$/.exec(token) ?? [];
  if (known === undefined) return undefined;
  const fields = known
    .split('_')
    .slice(1)
    .map((field) => Number.parseInt(field, RADIX));
  if (!fields.every((field) => Number.isSafeInteger(field))) return undefined;
  return Object.fromEntries(STREAM_NAMES.map((name, index) => [name, fields[index] ?? 0])) as Record<
    (typeof STREAM_NAMES)[number],
    number
  >;
}
