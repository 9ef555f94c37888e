import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { compileEventFields } from './event-fields.js';

const event: JsonObject = {
  type: 'm.room.message',
  sender: '@alice:x',
  content: { body: 'hi', 'm.relates_to': { event_id: '$a', rel_type: 'm.thread' }, 'm\\foo': 1, list: [1] },
};

describe('compileEventFields', () => {
  const cases: [string[], JsonObject][] = [
    [['type'], { type: 'm.room.message' }],
    [['content.body', 'sender'], { content: { body: 'hi' }, sender: '@alice:x' }],
    [['content.m\\.relates_to.rel_type'], { content: { 'm.relates_to': { rel_type: 'm.thread' } } }],
    [['content.m\\\\foo'], { content: { 'm\\foo': 1 } }],
    [['content.m.relates_to', 'content.none', 'none', 'type.x', 'content.list.0', ''], {}],
    [['content.body', 'content'], { content: event['content'] }],
    [['content', 'content.body'], { content: event['content'] }],
    [[], {}],
  ];
  it.each(cases)('%j leaves %j', (fields, expected) => {
    expect(compileEventFields(fields)(event)).toEqual(expected);
  });

  it('takes prototypes for ordinary keys', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject;
    const kept = compileEventFields(['__proto__.polluted', 'constructor.name'])(hostile);
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"polluted":true}}');
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
});
