import type { RoomServersChange } from '@atoll/database';
import type { ServerName, UserId } from '@atoll/matrix';
import { expect, it } from '@jest/globals';
import type { Join } from '../routing/joins-in.js';
import { Introductions } from './introductions.js';

const ROOM = 1;
const HOUR = 3_600_000;
const alice = '@alice:hs1' as UserId;
const peers = (count: number) => Array.from({ length: count }, (_, n) => `@user:peer${n}` as UserId);

/** A join of a stream in which nobody else comes or goes. */
const join = (userId: UserId, position: number, madeAt = Date.now()): Join => {
  return { roomNid: ROOM, userId, position, madeAt };
};
const changeOf = ({ userId, position }: Join): RoomServersChange => ({
  ...{ roomNid: ROOM, userId, position, before: null },
  after: JSON.stringify({ content: { membership: 'join' } }),
});

/** Alice's list has changed; every server has one user in the room. */
class Scene {
  readonly asked = { rooms: 0, since: [] as number[] };

  constructor(private readonly joins: readonly Join[]) {}

  async of(isDue: (server: ServerName) => boolean = () => true) {
    const introductions = new Introductions({
      reader: {
        roomsBefore: () => Promise.resolve([]),
        hasChangedSince: () => Promise.resolve(true),
        changedIn: (_, since) => {
          this.asked.since.push(since);
          return Promise.resolve([alice]);
        },
      },
      events: {
        roomChanges: (_, from, to) => {
          this.asked.rooms += 1;
          const within = this.joins.filter(({ position }) => position > from && position <= to);
          return Promise.resolve(within.map(changeOf));
        },
      },
      sharing: {
        inRoom: () => Promise.resolve([]),
        usersIn: () => Promise.resolve({ count: 1, position: 1_000 }),
      },
      serverName: 'hs1' as ServerName,
    });
    return new Map(await introductions.of(this.joins, isDue));
  }
}

it('tells a server whose first user comes of lists that changed, and asks for the changes of the room once', async () => {
  const scene = new Scene(peers(50).map((userId, n) => join(userId, 10 + n)));
  const told = await scene.of();
  expect(told.get('peer7' as ServerName)).toEqual([{ userId: alice, position: 17 }]);
  expect([told.size, scene.asked.rooms, scene.asked.since.length]).toEqual([50, 1, 1]);
});

it('takes nobody for new who is told with the join of a user of this server', async () => {
  const scene = new Scene([join(alice, 10), ...peers(50).map((userId) => join(userId, 10))]);
  expect(await scene.of()).toEqual(new Map());
  expect(scene.asked.rooms).toBe(0);
});

it('looks for no server that others take care of, or that was told before', async () => {
  const scene = new Scene(peers(50).map((userId, n) => join(userId, 10 + n)));
  const told = await scene.of((server) => server === 'peer3');
  expect([...told.keys()]).toEqual(['peer3']);
});

it('believes no clock that is ahead, nor one that is long behind', async () => {
  const now = Date.now();
  for (const [madeAt, least, most] of [
    [now + 24 * HOUR, -HOUR, 0],
    [0, -8 * 24 * HOUR, -6 * 24 * HOUR],
  ] as const) {
    const scene = new Scene([join('@user:peer' as UserId, 10, madeAt)]);
    await scene.of();
    const [since = NaN] = scene.asked.since;
    expect(since - now).toBeGreaterThan(least);
    expect(since - now).toBeLessThan(most);
  }
});

it('counts from the earliest of the joins of a server', async () => {
  const now = Date.now();
  const scene = new Scene([
    join('@one:peer' as UserId, 10, now),
    join('@two:peer' as UserId, 11, now - 5 * HOUR),
  ]);
  await scene.of();
  // Nobody of the server was there before: both have come since.
  expect(scene.asked.since.every((since) => since < now - 5 * HOUR)).toBe(true);
});
