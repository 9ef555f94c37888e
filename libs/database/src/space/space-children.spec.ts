import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { spaceChildren } from './space-children.js';

const child = (name: string, content: JsonObject, ts = 0) => ({
  state_key: `!${name}:hs1`,
  sender: '@a:hs1',
  content: { via: ['hs1'], ...content },
  origin_server_ts: ts,
});
const names = (events: Parameters<typeof spaceChildren>[0], suggestedOnly = false) =>
  spaceChildren(events, suggestedOnly).map(({ roomId }) => roomId.slice(1, -4));

describe('the children of a space', () => {
  it('are ordered by their order, then by time, then by room id', () => {
    const events = [
      child('late', {}, 9),
      child('b', {}, 5),
      child('a', {}, 5),
      child('last', { order: '~' }, 1),
      child('y', { order: 'm' }, 2),
      child('x', { order: 'm' }, 1),
      child('first', { order: ' ' }, 99),
      // None of these orders counts.
      child('long', { order: 'a'.repeat(51) }, 6),
      child('umlaut', { order: 'ä' }, 7),
      child('number', { order: 1 }, 8),
      child('empty', { order: '' }, 8.5),
    ];
    const ordered = ['first', 'x', 'y', 'last', 'a', 'b', 'long', 'umlaut', 'number', 'empty', 'late'];
    expect(names(events)).toEqual(ordered);
  });

  it.each([{ via: [] }, { via: 'hs1' }, { via: ['hs1', 7] }, { via: undefined }])('are not %j', (content) => {
    expect(names([child('a', content)])).toEqual([]);
  });

  it('are rooms', () => {
    expect(spaceChildren([{ ...child('a', {}), state_key: 'a' }], false)).toEqual([]);
  });

  it('may be taken as far as they are suggested', () => {
    const events = [child('a', { suggested: true }), child('b', { suggested: 'true' }), child('c', {})];
    expect(names(events, true)).toEqual(['a']);
  });

  it('are reached by way of servers', () => {
    expect(spaceChildren([child('a', { via: ['hs2', 'no server'] })], false)).toMatchObject([
      { via: ['hs2'] },
    ]);
  });
});
