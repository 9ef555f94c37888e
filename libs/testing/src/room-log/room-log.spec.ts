import { expect, test } from '@jest/globals';
import { kinks, type LoggedEvent } from './room-log.js';

const event = (eventId: string, depth: number, prevEvents: string[]): LoggedEvent => ({
  eventId,
  depth,
  prevEvents,
  position: depth,
  type: 'm.test',
  sender: '@a:b',
  content: {},
});
const first = event('$1', 1, []);
const second = event('$2', 2, ['$1']);

test.each([
  ['a straight line', [first, second, event('$3', 3, ['$2'])], 0],
  ['a fork', [first, second, event('$3', 2, ['$1'])], 1],
  ['a merge', [first, second, event('$3', 3, ['$1', '$2'])], 1],
  ['a gap', [first, second, event('$4', 4, ['$3'])], 1],
  ['a room without its beginning', [second], 1],
])('%s', (_, events, found) => {
  expect(kinks(events)).toHaveLength(found);
});
