import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import fc from 'fast-check';
import { canonicalJson, lenientCanonicalJson } from './canonical-json.js';
import { isRawNumber, MAX_JSON_DEPTH, parseExactJson } from './exact-json.js';

/** What stands for a number that must keep its source in {@link plainly}. */
const KEPT = 'kept as it came';

/** JSON text with all its numbers, found by a reviver that looks at each. */
function plainly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) => {
    if (typeof value !== 'number' || source === undefined) return value;
    const isInteger = /^-?[0-9]+$/.test(source);
    if (isInteger && Number.isSafeInteger(value)) return value;
    return !isInteger && !Number.isInteger(value) && Number.isFinite(value) ? value : `${KEPT} ${source}`;
  });
}

function marked(value: unknown): unknown {
  if (isRawNumber(value)) return `${KEPT} ${value.rawJSON}`;
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, marked(item)]));
}

const digits = (most: number) => fc.stringMatching(new RegExp(`^(0|[1-9][0-9]{0,${most}})$`));
const part = (pattern: RegExp) => fc.oneof(fc.constant(''), fc.stringMatching(pattern));
const numberSource = fc
  .tuple(fc.constantFrom('', '-'), digits(20), part(/^\.[0-9]{1,20}$/), part(/^[eE][+-]?[0-9]{1,3}$/))
  .map((parts) => parts.join(''));
const space = fc.stringMatching(/^[ \t\n\r]{0,2}$/);
const textWith = (source: fc.Arbitrary<string>) => {
  const spaced = fc.tuple(space, source, space).map((parts) => parts.join(''));
  const pairs = fc.array(fc.tuple(fc.string({ unit: 'binary' }), spaced));
  return fc.oneof(
    spaced,
    fc.array(spaced).map((items) => `[${items.join(',')}]`),
    pairs.map((all) => `{${all.map(([key, number]) => `${JSON.stringify(key)}:${number}`).join(',')}}`),
  );
};

describe('parseExactJson', () => {
  it.each([
    '1.0',
    '1e3',
    '1E3',
    '-0.0',
    '0e0',
    '1.00',
    '9007199254740992',
    '-9007199254740993',
    '1e400',
    '5e-400',
  ])('keeps %s as it came', (source) => {
    for (const text of [source, ` ${source}`, `[${source}]`, `{"a":\n${source} }`, `[0,${source}]`]) {
      expect(JSON.stringify(parseExactJson(text))).toBe(text.replaceAll(/\s/g, ''));
    }
  });

  it.each([
    ['0', 0],
    ['-0', -0],
    ['1.5', 1.5],
    ['1.50', 1.5],
    ['15e-1', 1.5],
    ['9007199254740991', 2 ** 53 - 1],
    ['-9007199254740991', 1 - 2 ** 53],
  ])('makes a plain number of %s', (text, expected) => {
    expect(parseExactJson(text)).toBe(expected);
  });

  it('finds every number that needs its source', () => {
    fc.assert(
      fc.property(textWith(numberSource), (text) => {
        expect(marked(parseExactJson(text))).toEqual(plainly(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what JSON.parse reads where no number is unusual', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        const value = parseExactJson(text);
        fc.pre(!JSON.stringify(marked(value)).includes(KEPT));
        expect(value).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":1.0,"a":2}', { a: 2 }],
    ['{"a":{"b":1.0},"a":{"c":2}}', { a: { c: 2 } }],
    ['{"a":2,"a":1.0}', { a: `${KEPT} 1.0` }],
    ['{"a":[1.0,2.0],"a":[3e1]}', { a: [`${KEPT} 3e1`] }],
    ['{"a":1.0,"\\u0061":"x"}', { a: 'x' }],
  ])('lets the last of equal keys count: %s', (text, expected) => {
    expect(marked(parseExactJson(text))).toEqual(expected);
  });

  it('keeps keys that JavaScript gives a meaning as data', () => {
    const text = '{"__proto__":{"polluted":1.0},"constructor":{"prototype":2e3},"rawJSON":"1.0"}';
    const value = parseExactJson(text) as JsonObject;
    expect(JSON.stringify(value)).toBe(text);
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'rawJSON']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(isRawNumber(value)).toBe(false);
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a":}',
    'NaN',
    '[Infinity]',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    "{'a':1}",
    '\ufeff{}',
    '{}x',
  ])('answers undefined for %j', (text) => {
    expect(parseExactJson(text)).toBeUndefined();
  });

  it('bounds the depth, whatever stands in strings', () => {
    const nested = (depth: number, inside: string) => '['.repeat(depth) + inside + ']'.repeat(depth);
    for (const inside of ['', '1.0', '"[[[[\\"[[{"']) {
      expect(JSON.stringify(parseExactJson(nested(MAX_JSON_DEPTH, inside)))).toBe(
        nested(MAX_JSON_DEPTH, inside),
      );
      expect(parseExactJson(nested(MAX_JSON_DEPTH + 1, inside))).toBeUndefined();
    }
    expect(parseExactJson('[{"a":'.repeat(200_000))).toBeUndefined();
    expect(parseExactJson(`${']'.repeat(1_000)}${'['.repeat(1_000)}`)).toBeUndefined();
  });
});

describe('canonical JSON of exact numbers', () => {
  const given = '{"b":[1.0,-0,1e2],"a":{"z":12345678901234567890,"10":0.5,"9":-0.0}}';
  const exact = parseExactJson(given) as JsonValue;

  it('is lenient for old room versions', () => {
    expect(lenientCanonicalJson(exact)).toBe(
      '{"a":{"10":0.5,"9":-0.0,"z":12345678901234567890},"b":[1.0,0,100.0]}',
    );
    expect(lenientCanonicalJson(parseExactJson('1e16') as JsonValue)).toBe('1e+16');
  });

  it.each(['1.0', '1e3', '1.5', '-0.0', '9007199254740992', '-9007199254740992', '1e400', '{"b":1.0,"a":2}'])(
    'is refused to %s elsewhere',
    (text) => {
      expect(() => canonicalJson(parseExactJson(text) as JsonValue)).toThrow('is not an integer within');
    },
  );

  it('says nothing of an endless number but its beginning', () => {
    const value = parseExactJson('7'.repeat(100_000)) as JsonValue;
    expect(() => canonicalJson(value)).toThrow(`${'7'.repeat(40)} is not`);
  });

  it.each(['"\\ud800"', '{"\\udc00":1.0}', '[1.0,"\\ude00\\ud83d"]'])(
    'is refused to half characters: %s',
    (text) => {
      expect(() => lenientCanonicalJson(parseExactJson(text) as JsonValue)).toThrow('surrogate');
    },
  );

  it('takes an object for a number only if it is one', () => {
    expect(canonicalJson({ rawJSON: '1.0' })).toBe('{"rawJSON":"1.0"}');
    expect(canonicalJson(Object.assign(Object.create(null) as JsonObject, { rawJSON: '1.0' }))).toBe(
      '{"rawJSON":"1.0"}',
    );
  });

  it('is the same in both kinds for what the strict kind allows', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.maxSafeInteger()), (object) => {
        const text = JSON.stringify(object);
        expect(lenientCanonicalJson(parseExactJson(text) as JsonValue)).toBe(canonicalJson(object));
      }),
    );
  });

  it('reads back as itself', () => {
    const finite = numberSource.filter((source) => Number.isFinite(Number(source)));
    fc.assert(
      fc.property(textWith(finite), (text) => {
        const canonical = lenientCanonicalJson(parseExactJson(text) as JsonValue);
        expect(lenientCanonicalJson(parseExactJson(canonical) as JsonValue)).toBe(canonical);
      }),
    );
  });
});
