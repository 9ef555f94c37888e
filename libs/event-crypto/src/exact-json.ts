import { exceedsJsonDepth, type JsonValue } from '@atoll/matrix';

declare global {
  interface JSON {
    /** Makes `JSON.stringify` write this text for the value. */
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** Deeper values are refused: a bound for recursion here and in every reader after us. */
export const MAX_JSON_DEPTH = 512;

/** A number as it stood in JSON text; `JSON.stringify` writes it just so again. */
export interface RawNumber {
  readonly rawJSON: string;
}

/**
 * Cheap, and never false for JSON with a number that needs its source. A number stands at the very beginning or after one of
 * these characters; asking for them keeps hashes and server names, which every event has, from looking like numbers.
 */
const PERHAPS_INEXACT = /(?:^|[:,[ \t\n\r])-?(?:[0-9]{16}|[0-9]+[.eE])/;
const NOT_PLAIN_DIGITS = /[.eE]/;

/**
 * Parses JSON without losing what signatures cover: a number that JavaScript would not write as it came (`1.0`, `1e3`,
 * integers beyond 2^53) stays a {@link RawNumber}. Of equal keys the last one counts, as in `JSON.parse`; `__proto__` is a
 * key like any other.
 * @param maxDepth for a text that holds others, such as a request with events
 * @returns `undefined` for what is no JSON or is nested deeper
 */
export function parseExactJson(text: string, maxDepth = MAX_JSON_DEPTH): JsonValue | undefined {
  if (exceedsJsonDepth(text, maxDepth)) return undefined;
  try {
    return JSON.parse(text, PERHAPS_INEXACT.test(text) ? keepInexact : undefined) as JsonValue;
  } catch {
    return undefined;
  }
}

/** True for a number that has kept its source. */
export function isRawNumber(value: unknown): value is RawNumber {
  return JSON.isRawJSON(value);
}

function keepInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return needsSource(value, context.source) ? JSON.rawJSON(context.source) : value;
}

function needsSource(value: number, source: string): boolean {
  if (!Number.isInteger(value)) return !Number.isFinite(value);
  return !Number.isSafeInteger(value) || NOT_PLAIN_DIGITS.test(source);
}
