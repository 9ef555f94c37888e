import { expect, test } from '@jest/globals';
import type { EventId } from './ids.js';
import { authEventIds, prevEventIds } from './pdu.js';

const ids = ['$a', '$b'] as EventId[];

test('references are ids, with or without hashes', () => {
  const pairs = ids.map((id): [EventId, { sha256: string }] => [id, { sha256: 'h' }]);
  expect(prevEventIds({ prev_events: pairs })).toEqual(ids);
  expect(authEventIds({ auth_events: pairs })).toEqual(ids);
  expect(prevEventIds({ prev_events: ids })).toBe(ids);
  expect(authEventIds({ auth_events: ids })).toBe(ids);
  expect(authEventIds({ auth_events: [] })).toEqual([]);
});
