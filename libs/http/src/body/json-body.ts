import { isUtf8 } from 'node:buffer';
import { parseExactJson } from '@atoll/event-crypto';
import { badJson, exceedsJsonDepth, MatrixError } from '@atoll/matrix';
import type { JsonValue } from '@atoll/matrix';
import { holdsMoreValues } from './json-values.js';

/** Deeper than any Matrix event; a bound for everything that walks JSON by recursion. */
export const MAX_JSON_DEPTH = 100;
/** Deeper than a request around events of the greatest depth, which are looked at one by one. */
export const MAX_EXACT_JSON_DEPTH = 600;
/** Far more than a transaction has. Parsing looks at each value of its own, and anybody may send a body before its signature is checked. */
const MAX_EXACT_JSON_VALUES = 100_000;

/**
 * Parses a body as JSON whatever its declared content type. A `__proto__` key becomes an own property like any other,
 * because an event must keep what it was signed with; copy such objects with spread or `Object.entries`, never by assignment.
 * @returns undefined for an empty body
 * @throws {MatrixError} 400 `M_NOT_JSON`, or `M_BAD_JSON` for JSON that is nested too deep or holds numbers that are too large
 */
export function parseJsonBody(bytes: Buffer): JsonValue | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw notJson('The body is not UTF-8');
  const text = bytes.toString('utf8');
  if (exceedsJsonDepth(text, MAX_JSON_DEPTH)) throw badJson('The body is nested too deep');
  const value = parse(text);
  if (holdsInfinity(value)) throw badJson('A number is too large');
  return value;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw notJson('The body is not JSON');
  }
}

/**
 * The same without loss: numbers that JavaScript would not write as they came keep their source, as `parseExactJson` does.
 * @throws {MatrixError} 400 `M_NOT_JSON`, or `M_BAD_JSON` for JSON that is nested too deep or holds too many values
 */
export function parseExactJsonBody(bytes: Buffer): JsonValue | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw notJson('The body is not UTF-8');
  const text = bytes.toString('utf8');
  if (holdsMoreValues(text, MAX_EXACT_JSON_VALUES)) throw badJson('The body holds too many values');
  const value = parseExactJson(text, MAX_EXACT_JSON_DEPTH);
  if (value !== undefined) return value;
  throw exceedsJsonDepth(text, MAX_EXACT_JSON_DEPTH)
    ? badJson('The body is nested too deep')
    : notJson('The body is not JSON');
}

/** What `JSON.parse` makes of numbers such as 1e400, and what would silently become null when it is written again. */
function holdsInfinity(value: JsonValue | undefined): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity);
}

export const notJson = (message: string) => new MatrixError(400, 'M_NOT_JSON', message);
