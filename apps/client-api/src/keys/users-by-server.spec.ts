import type { ServerName, UserId } from '@atoll/matrix';
import { expect, it } from '@jest/globals';
import { partByServer, timeoutOf, withoutKnown } from './users-by-server.js';

const one = 'one.example' as ServerName;
const [a, b, c, d] = ['@a:one.example', '@b:here', '@c:one.example', '@d:two.example'] as UserId[] as [
  UserId,
  UserId,
  UserId,
  UserId,
];

it('parts users by their servers', () => {
  const { ours, theirs } = partByServer(new Map([a, b, c].map((id) => [id, id])), 'here' as ServerName);
  expect([...ours.keys()]).toEqual([b]);
  expect([...(theirs.get(one)?.keys() ?? [])]).toEqual([a, c]);
});

it('leaves out those who are known, and servers of which nobody is left', () => {
  const { theirs } = partByServer(new Map([a, c, d].map((id) => [id, id])), 'here' as ServerName);
  expect(withoutKnown(theirs, new Map([a, d].map((id) => [id, id])))).toEqual(
    new Map([[one, new Map([[c, c]])]]),
  );
});

it.each([
  [undefined, 10_000],
  [500, 500],
  [-1, 0],
  [60_000, 10_000],
])('a time limit of %p is %p ms', (asked, told) => {
  expect(timeoutOf(asked)).toBe(told);
});
