import type { JsonValue } from '@atoll/matrix';
import { CanonicalJsonError } from './canonical-json-error.js';
import { compareCodePoints, mayDifferByCodePoint } from './code-point-order.js';
import { isRawNumber, MAX_JSON_DEPTH, type RawNumber } from './exact-json.js';
import { numberText } from './number-text.js';

/** An object that inherits nothing, so that `__proto__` is a key like any other, and that V8 still keeps in fast mode. */
const SortedObject = function () {} as unknown as new () => Record<string, unknown>;
SortedObject.prototype = Object.create(null) as object;

/** What the walk goes by, and what it found out about the whole value. */
interface Walk {
  /** Whether numbers may be other than integers within ±(2^53-1). */
  readonly anyNumber: boolean;
  readonly maxDepth: number;
  /** Some object has keys like "10", which no JavaScript object can hold in code point order. */
  indexKeys: boolean;
  /** There are numbers that JavaScript would write in another way. */
  otherNumbers: boolean;
}

/**
 * The canonical JSON text of a value. Properties that are `undefined` are skipped; `-0` becomes `0`.
 * Sorting a copy and stringifying it natively was measured faster than concatenating by hand.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalJson(value: JsonValue): string {
  return encode(value, false, MAX_JSON_DEPTH);
}

/**
 * The same for room versions 1 to 5, whose events may hold any number: those that `parseExactJson` kept are written as the
 * specification's own code writes them.
 * @param maxDepth for a value that holds events, such as a request
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/rooms/v1/#canonical-json
 */
export function lenientCanonicalJson(value: JsonValue, maxDepth = MAX_JSON_DEPTH): string {
  return encode(value, true, maxDepth);
}

function encode(value: JsonValue, anyNumber: boolean, maxDepth: number): string {
  const walk: Walk = { anyNumber, maxDepth, indexKeys: false, otherNumbers: false };
  const sorted = sortedCopy(value, 0, walk);
  return walk.indexKeys || walk.otherNumbers ? concatenated(value) : JSON.stringify(sorted);
}

/** Checks everything on the way; returns the value itself when it is in order already. */
function sortedCopy(value: unknown, depth: number, walk: Walk): unknown {
  switch (typeof value) {
    case 'string':
      return checkedString(value);
    case 'number':
      return Number.isSafeInteger(value) ? value : otherNumber(value, walk);
    case 'boolean':
      return value;
    case 'object':
      return value === null ? value : sortedParts(value, depth, walk);
    default:
      throw new CanonicalJsonError(`${typeof value} is not a JSON value`);
  }
}

function sortedParts(value: object, depth: number, walk: Walk): object | number {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Numbers with their source inherit nothing; asking every object whether it is one would cost.
  if (prototype === null && isRawNumber(value)) return otherNumber(value, walk);
  if (depth >= walk.maxDepth) throw new CanonicalJsonError(`nested deeper than ${walk.maxDepth}`);
  if (Array.isArray(value)) return sortedArray(value, depth + 1, walk);
  checkPlain(prototype);
  return sortedObject(value as Record<string, unknown>, depth + 1, walk);
}

function otherNumber(value: number | RawNumber, walk: Walk): number | RawNumber {
  if (!walk.anyNumber) {
    const source = isRawNumber(value) ? value.rawJSON : String(value);
    throw new CanonicalJsonError(`${source.slice(0, 40)} is not an integer within ±(2^53-1)`);
  }
  walk.otherNumbers = true;
  return value;
}

function sortedArray(array: unknown[], depth: number, walk: Walk): unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < array.length; index++) {
    const item = sortedCopy(array[index], depth, walk);
    if (copy === undefined && item !== array[index]) copy = array.slice(0, index);
    copy?.push(item);
  }
  return copy ?? array;
}

function sortedObject(object: Record<string, unknown>, depth: number, walk: Walk): object {
  const keys = Object.keys(object);
  if (startsWithDigit(keys[0])) walk.indexKeys = true;
  let copy = sortKeys(keys) ? new SortedObject() : undefined;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const value = object[key];
    if (value === undefined) continue;
    const child = sortedCopy(value, depth, walk);
    if (copy === undefined && child !== value) copy = copyOf(object, keys.slice(0, index));
    if (copy !== undefined) copy[key] = child;
  }
  return copy ?? object;
}

function copyOf(object: Record<string, unknown>, keys: string[]): Record<string, unknown> {
  const copy = new SortedObject();
  for (const key of keys) copy[key] = object[key];
  return copy;
}

/** Index-like keys come first in every JavaScript object, so the first key tells. */
function startsWithDigit(key: string | undefined): boolean {
  if (key === undefined || key === '') return false;
  const code = key.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}

/** Sorts in place and tells whether anything moved. */
function sortKeys(keys: string[]): boolean {
  let ordered = true;
  let awkward = false;
  for (let index = 0; index < keys.length; index++) {
    const key = checkedString(keys[index] as string);
    awkward ||= mayDifferByCodePoint(key);
    ordered &&= index === 0 || (keys[index - 1] as string) < key;
  }
  if (awkward) keys.sort(compareCodePoints);
  else if (!ordered) keys.sort();
  return awkward || !ordered;
}

/** `toJSON` and class instances would let `JSON.stringify` write something else than what was checked. */
function checkPlain(prototype: unknown): void {
  if (prototype !== Object.prototype && prototype !== null && prototype !== SortedObject.prototype) {
    // Objects of another realm (worker, test sandbox) have another Object.prototype, which in turn inherits nothing.
    if (Object.getPrototypeOf(prototype) !== null) throw new CanonicalJsonError('not a plain object');
  }
}

function checkedString(text: string): string {
  if (!text.isWellFormed()) throw new CanonicalJsonError('lone surrogate in a string');
  return text;
}

/** The slow way for checked values with index-like keys or unusual numbers. */
function concatenated(value: unknown): string {
  if (typeof value === 'number' || isRawNumber(value)) return numberText(value);
  if (Array.isArray(value)) return `[${value.map(concatenated).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object).filter((key) => object[key] !== undefined);
  keys.sort(compareCodePoints);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${concatenated(object[key])}`).join(',')}}`;
}
