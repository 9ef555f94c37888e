import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import fc from 'fast-check';
import { CanonicalJsonError } from './canonical-json-error.js';
import { canonicalJson } from './canonical-json.js';
import { MAX_JSON_DEPTH } from './exact-json.js';

/** `-0` has no canonical form of its own and floats have none at all. */
const jsonValue = fc.jsonValue({ stringUnit: 'binary', depthSize: 'medium' }).map(integersOnly);

function integersOnly(value: unknown): JsonValue {
  return JSON.parse(
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === 'number' ? Math.trunc(item % Number.MAX_SAFE_INTEGER) + 0 : item,
    ),
  ) as JsonValue;
}

/** The definition, written plainly: code points compared one by one. */
function reference(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(reference).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => ({
    points: Array.from(key, codePoint),
    key,
    item,
  }));
  entries.sort((a, b) => {
    const at = a.points.findIndex((point, index) => point !== b.points[index]);
    return at < 0 ? a.points.length - b.points.length : (a.points[at] ?? 0) - (b.points[at] ?? -1);
  });
  return `{${entries.map(({ key, item }) => `${JSON.stringify(key)}:${reference(item)}`).join(',')}}`;
}
const codePoint = (character: string) => character.codePointAt(0) ?? 0;

const parsed = (text: string) => JSON.parse(text) as JsonValue;

describe('canonicalJson', () => {
  it.each([
    ['{}', '{}'],
    ['{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'],
    ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
    [
      '{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}',
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
    ],
    ['{"a": "日本語"}', '{"a":"日本語"}'],
    ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
    ['{"a": "\\u65E5"}', '{"a":"日"}'],
    ['{"a": null}', '{"a":null}'],
    ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
  ])('agrees with the specification on %s', (given, expected) => {
    expect(canonicalJson(parsed(given))).toBe(expected);
  });

  it('sorts by code point where UTF-16 order differs', () => {
    expect(canonicalJson({ '\u{1F600}': 1, '\uFF5E': 2, a: 3 })).toBe('{"a":3,"\uFF5E":2,"\u{1F600}":1}');
    expect(canonicalJson({ 'x\u{10000}': 1, 'x\uE000': 2 })).toBe('{"x\uE000":2,"x\u{10000}":1}');
  });

  it('sorts index-like keys as text, at any depth', () => {
    expect(canonicalJson({ 9: 'a', 10: 'b', '-1': 'c', '': 'd', b: [{ 2: 1, 11: 2 }] })).toBe(
      '{"":"d","-1":"c","10":"b","9":"a","b":[{"11":2,"2":1}]}',
    );
  });

  it('keeps keys that JavaScript gives a meaning', () => {
    const text = '{"__proto__":{"polluted":true},"constructor":1,"toJSON":"x"}';
    expect(canonicalJson(parsed(text))).toBe(text);
    expect(canonicalJson(parsed('{"z":1,"__proto__":{"b":1,"a":2}}'))).toBe(
      '{"__proto__":{"a":2,"b":1},"z":1}',
    );
    expect(canonicalJson(parsed('{"1":1,"__proto__":null}'))).toBe('{"1":1,"__proto__":null}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('escapes only what must be escaped', () => {
    expect(canonicalJson('\u0000\b\t\n\u000b\f\r\u001f"\\/\u007f\u2028')).toBe(
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028"',
    );
  });

  it('skips undefined properties and leaves the value as it was', () => {
    const value: JsonObject = { b: undefined, a: { d: 1, c: undefined } };
    expect(canonicalJson(value)).toBe('{"a":{"d":1}}');
    expect(Object.keys(value)).toEqual(['b', 'a']);
    expect(canonicalJson({ 1: undefined, 0: 1 })).toBe('{"0":1}');
  });

  it.each<[string, unknown]>([
    ['a float', { a: 1.5 }],
    ['2^53', { a: 2 ** 53 }],
    ['-2^53', [-(2 ** 53)]],
    ['NaN', NaN],
    ['infinity', { a: { b: Infinity } }],
    ['a lone high surrogate', { a: 'x\ud800' }],
    ['a lone low surrogate in a key', { '\udc00': 1 }],
    ['swapped surrogates', ['\ude00\ud83d']],
    ['undefined in an array', [undefined]],
    ['a function', { toJSON: () => 1 }],
    ['a bigint', { a: 1n }],
    ['a date', { a: new Date(0) }],
    ['an inherited toJSON', Object.create({ toJSON: () => 1 }) as unknown],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(CanonicalJsonError);
  });

  it('accepts the whole integer range', () => {
    expect(canonicalJson([2 ** 53 - 1, -(2 ** 53) + 1])).toBe('[9007199254740991,-9007199254740991]');
  });

  it('bounds the depth', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(canonicalJson(parsed(nested(MAX_JSON_DEPTH)))).toBe(nested(MAX_JSON_DEPTH));
    expect(() => canonicalJson(parsed(nested(MAX_JSON_DEPTH + 1)))).toThrow(CanonicalJsonError);
    expect(() => canonicalJson(parsed('{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000)))).toThrow(
      CanonicalJsonError,
    );
    const cycle: JsonValue[] = [];
    cycle.push(cycle);
    expect(() => canonicalJson(cycle)).toThrow(CanonicalJsonError);
  });

  it('says the same as the plain definition, and parses back to the same value', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const text = canonicalJson(value);
        expect(text).toBe(reference(value));
        expect(parsed(text)).toEqual(value);
        expect(canonicalJson(parsed(text))).toBe(text);
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1', '10', '9', '__proto__', '\uffff'),
    );
    const entries = fc.uniqueArray(fc.tuple(key, fc.integer()), { selector: ([name]) => name });
    const reordered = entries.chain((pairs) =>
      fc.tuple(fc.constant(pairs), fc.shuffledSubarray(pairs, { minLength: pairs.length })),
    );
    fc.assert(
      fc.property(reordered, ([pairs, shuffled]) => {
        expect(canonicalJson(Object.fromEntries(shuffled))).toBe(canonicalJson(Object.fromEntries(pairs)));
      }),
    );
  });
});
