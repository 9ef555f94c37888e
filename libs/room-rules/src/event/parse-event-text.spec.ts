import { describe, expect, it } from '@jest/globals';
import { isRawNumber } from '@atoll/event-crypto';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { parseEventText, withPlainNumbers } from './parse-event.js';
import { eventJson, exactly, parsed, rulesFor, versions } from './test-event.spec-support.js';

const problemOf = (text: string, rules: RoomVersionRules) => {
  const result = parseEventText(text, rules);
  return 'problem' in result ? result.problem : undefined;
};
const textOf = (rules: RoomVersionRules, more: JsonObject = {}) => JSON.stringify(eventJson(rules, more));

describe.each(versions(1, 5))('numbers in room version $version', (rules) => {
  it.each(['1.0', '1e3', '0.1', '-0.0', '1e16', '9007199254740993', '123456789012345678901234567890'])(
    'accepts %s and keeps it',
    (number) => {
      const text = textOf(rules, { content: { a: [exactly(number)] }, extra: exactly(number) });
      expect(JSON.stringify(parsed(text, rules))).toBe(text);
    },
  );

  it.each(['1e400', '-1e309'])('refuses %s, which no double holds', (number) => {
    expect(problemOf(textOf(rules, { content: { a: exactly(number) } }), rules)).toMatch('out of range');
  });

  it.each(['9007199254740992', '9223372036854775807'])('accepts the depth and the time %s', (number) => {
    for (const field of ['depth', 'origin_server_ts']) {
      const { [field]: value } = parsed(textOf(rules, { [field]: exactly(number) }), rules);
      expect(isRawNumber(value) && value.rawJSON).toBe(number);
    }
    expect(problemOf(textOf(rules, { origin_server_ts: exactly(`-${number}`) }), rules)).toBeUndefined();
    expect(problemOf(textOf(rules, { depth: exactly(`-${number}`) }), rules)).toMatch(/^depth must/);
  });

  it.each(['9223372036854775808', '9'.repeat(60_000), '3.0', '3e0', '1e400', '-0.0'])(
    'refuses the depth and the time %#',
    (number) => {
      expect(problemOf(textOf(rules, { depth: exactly(number) }), rules)).toMatch(/^depth must/);
      expect(problemOf(textOf(rules, { origin_server_ts: exactly(number) }), rules)).toMatch(
        /^origin_server_ts must/,
      );
    },
  );

  it.each(['content', 'signatures', 'hashes', 'type', 'sender', 'room_id', 'state_key'])(
    'takes no number for another %s',
    (field) => {
      for (const number of ['1', '1.0', '12345678901234567890']) {
        expect(problemOf(textOf(rules, { [field]: exactly(number) }), rules)).toMatch(
          new RegExp(`^${field} must`),
        );
      }
    },
  );

  it('counts the bytes of the canonical text', () => {
    const numbers = (count: number) =>
      textOf(rules, { content: { a: Array<JsonValue>(count).fill(exactly('1e15')) } });
    expect(problemOf(numbers(3_000), rules)).toBeUndefined();
    expect(problemOf(numbers(4_000), rules)).toMatch('65536');
  });
});

describe.each(versions(6, 12))('numbers in room version $version', (rules) => {
  it.each(['1.0', '1e3', '0.1', '-0.0', '1e16', '9007199254740992', '-9007199254740992', '1e400'])(
    'refuses %s',
    (number) => {
      expect(problemOf(textOf(rules, { content: { a: exactly(number) } }), rules)).toMatch(
        'is not an integer within',
      );
      expect(problemOf(textOf(rules, { extra: [exactly(number)] }), rules)).toMatch(
        'is not an integer within',
      );
      expect(problemOf(textOf(rules, { depth: exactly(number) }), rules)).toMatch(/^depth must/);
      expect(problemOf(textOf(rules, { origin_server_ts: exactly(number) }), rules)).toMatch(
        /^origin_server_ts must/,
      );
    },
  );

  it.each(['0', '-0', '9007199254740991', '-9007199254740991'])('accepts %s', (number) => {
    expect(problemOf(textOf(rules, { content: { a: exactly(number) } }), rules)).toBeUndefined();
  });

  it('asks nothing of numbers in unsigned', () => {
    expect(problemOf(textOf(rules, { unsigned: { age: exactly('1.5') } }), rules)).toBeUndefined();
  });
});

describe.each(supportedRoomVersions)('the text of an event in room version $version', (rules) => {
  it('lets the last of equal keys count', () => {
    const text = textOf(rules).replace('{', '{"sender":"@first:x.org","content":{"gone":1},"depth":"x",');
    expect(parsed(text, rules)).toEqual(eventJson(rules));
    const twice = textOf(rules).replace('"body":"hi"', '"body":"a","b\\u006fdy":"b"');
    expect(parsed(twice, rules).content).toEqual({ body: 'b' });
  });

  it.each(['', 'null', '[]', '"event"', '1.0', '{', 'NaN', '{"type":NaN}', '['.repeat(100_000)])(
    'may be nonsense: %#',
    (text) => {
      expect(problemOf(text, rules)).toBeDefined();
    },
  );

  it('may nest 512 deep, the event itself among them', () => {
    const nested = (depth: number) =>
      textOf(rules, { content: 'deep' }).replace('"deep"', `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
    expect(problemOf(nested(511), rules)).toBeUndefined();
    expect(problemOf(nested(512), rules)).toMatch('nested');
  });

  it('pollutes no prototype', () => {
    const before = [Object.prototype, Array.prototype].map((prototype) => Reflect.ownKeys(prototype));
    const evil = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}';
    const event = parsed(textOf(rules, { content: 'evil' }).replace('"evil"', `{${evil}}`), rules);
    expect(withPlainNumbers(event, rules).content).not.toHaveProperty('polluted');
    expect(Object.keys(withPlainNumbers(event, rules).content)).toEqual(['__proto__', 'constructor']);
    expect([Object.prototype, Array.prototype].map((prototype) => Reflect.ownKeys(prototype))).toEqual(
      before,
    );
  });
});

describe('withPlainNumbers', () => {
  it('takes the nearest JavaScript numbers and leaves the exact event alone', () => {
    const rules = rulesFor('1');
    const text = textOf(rules, {
      depth: exactly('9223372036854775807'),
      content: { users: { a: exactly('50.57'), b: exactly('1e2') } },
    });
    const exact = parsed(text, rules);
    const plain = withPlainNumbers(exact, rules);
    expect(plain.depth).toBe(2 ** 63);
    expect(plain.content).toEqual({ users: { a: 50.57, b: 100 } });
    expect(structuredClone(plain)).toEqual(plain);
    expect(JSON.stringify(exact)).toBe(text);
  });

  it('is the event itself where there are no other numbers', () => {
    for (const rules of versions(6, 12)) {
      const event = parsed(textOf(rules), rules);
      expect(withPlainNumbers(event, rules)).toBe(event);
    }
  });
});
