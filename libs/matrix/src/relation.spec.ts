import { describe, expect, it } from '@jest/globals';
import { relationOf } from './relation.js';

const of = (relation: unknown) => relationOf({ 'm.relates_to': relation } as never);

describe('relationOf', () => {
  it('takes type and parent, whatever else is there', () => {
    expect(of({ rel_type: 'm.thread', event_id: '$a', 'm.in_reply_to': { event_id: '$b' } })).toEqual({
      relType: 'm.thread',
      parentId: '$a',
    });
  });

  it.each([
    undefined,
    null,
    'm.thread',
    [],
    {},
    { 'm.in_reply_to': { event_id: '$a' } },
    { rel_type: 'm.thread' },
    { event_id: '$a' },
    { rel_type: 'm.thread', event_id: 'a' },
    { rel_type: 'm.thread', event_id: 1 },
    { rel_type: 1, event_id: '$a' },
    { rel_type: '', event_id: '$a' },
    { rel_type: 'm\0', event_id: '$a' },
    { rel_type: '\ud800', event_id: '$a' },
    { rel_type: 'm.thread', event_id: '$\0' },
    { rel_type: 'x'.repeat(256), event_id: '$a' },
    { rel_type: 'm.thread', event_id: `$${'x'.repeat(255)}` },
  ])('ignores %j', (relation) => {
    expect(of(relation)).toBeUndefined();
  });
});
