import type { DestinationFailure } from '@atoll/database';
import type { ByteAllowance } from '@atoll/federation-client';
import { MatrixError, type ServerName, type UserId } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { ServerAsker } from './server-asker.js';

const one = 'one.example' as ServerName;
const two = 'two.example' as ServerName;
const some = (count: number, name: string) =>
  Array.from({ length: count }, (_, n) => `${name}${n}.example` as ServerName);
const servers = (...names: ServerName[]) => new Map(names.map((name) => [name, name]));
const failure = (retryAt: number): DestinationFailure => ({ failingSince: 1, retryAt, retryIntervalMs: 8 });
const asker = (failing: [ServerName, DestinationFailure][] = []) =>
  new ServerAsker({ failuresOf: () => Promise.resolve(new Map(failing)) });
type Ask = (
  server: ServerName,
  timeoutMs: number,
  take: (answer: string) => void,
  allowance: ByteAllowance,
) => unknown;

/** What was asked, taken and failed. */
async function askAll(
  by: ServerAsker,
  names: readonly ServerName[],
  timeoutMs: number,
  ask: Ask,
  user = 'alice',
) {
  const [asked, taken]: [ServerName[], string[]] = [[], []];
  const failures = await by.ask(
    `@${user}:x` as UserId,
    servers(...names),
    timeoutMs,
    async (server, _, { timeoutMs: ms, allowance }, take: (answer: string) => void) => {
      asked.push(server);
      await ask(server, ms, take, allowance);
    },
    (answer) => taken.push(answer),
  );
  return { asked, taken, failures };
}
const answers = (server: ServerName, _timeoutMs: number, take: (answer: string) => void) => {
  take(server);
};
const silent = () => new Promise<never>(() => undefined);

it('takes what servers answer, and tells what fails', async () => {
  const { taken, failures } = await askAll(asker(), [one, two], 10_000, (server, _, take) => {
    if (server === two) throw new MatrixError(403, 'M_FORBIDDEN', 'no');
    take(server);
  });
  expect(taken).toEqual([one]);
  expect(failures).toEqual({ [two]: { status: 403, errcode: 'M_FORBIDDEN', error: 'no' } });
});

it('takes the part that a server answered that fails, or is silent, in the end', async () => {
  const { taken, failures } = await askAll(asker(), [one, two], 50, async (server, ms, take) => {
    take(server);
    if (server === one) await silent();
    throw new MatrixError(502, 'M_UNKNOWN', 'no');
  });
  expect(taken).toEqual([one, two]);
  expect(Object.keys(failures).toSorted()).toEqual([one, two]);
});

it('does not wait for the silent, nor begin when the time is over', async () => {
  const late = Promise.withResolvers<undefined>();
  const many = some(50, 's');
  const { asked, taken, failures } = await askAll(asker(), many, 20, async (server, _, take) => {
    await late.promise;
    take(server);
  });
  expect(Object.keys(failures)).toHaveLength(50);
  expect(asked.length).toBeLessThan(50);
  late.resolve(undefined);
  await late.promise;
  expect(taken).toEqual([]);
});

it('asks others while some are silent, however many come first', async () => {
  const late = some(20, 'slow');
  const { taken, failures } = await askAll(
    asker(),
    [...late, ...some(20, 'silent'), one, two],
    4_000,
    async (server, ms, take) => {
      if (server.startsWith('silent')) await silent();
      // Whoever lost its turn is waited for on.
      if (server.startsWith('slow')) await new Promise((resolve) => setTimeout(resolve, 1_500));
      take(server);
    },
  );
  expect(taken.toSorted()).toEqual([...late, one, two].toSorted());
  expect(Object.keys(failures)).toHaveLength(20);
}, 10_000);

it('asks servers that are known to fail last, for a short time, and not again for a while', async () => {
  const failing = some(25, 'failing');
  const by = asker(failing.map((server) => [server, failure(Date.now() + 60_000)]));
  const first = await askAll(by, [...failing, one, two], 10_000, async (server, ms, take) => {
    if (failing.includes(server)) await silent();
    answers(server, ms, take);
  });
  expect(first.asked.slice(0, 2)).toEqual([one, two]);
  expect(first.taken).toEqual([one, two]);
  const again = await askAll(by, [...failing, one], 10_000, answers);
  expect([again.asked, again.taken]).toEqual([[one], [one]]);
  expect(Object.keys(again.failures)).toHaveLength(25);
}, 10_000);

it('asks a server again and again that answers, or was heard from, though nothing could be sent to it before', async () => {
  const by = asker([
    [one, failure(Date.now() + 60_000)],
    [two, failure(0)],
  ]);
  for (let n = 0; n < 2; n++) {
    const { asked, taken } = await askAll(by, [one, two], 10_000, answers);
    expect([asked, taken]).toEqual([
      [two, one],
      [two, one],
    ]);
  }
});

/** Servers that are silent until they are `told` to answer, and when so many have been asked. */
function silentUntilTold(count: number) {
  const [told, full] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const asked: ServerName[] = [];
  const ask: Ask = async (server, _, take) => {
    if (asked.push(server) === count) full.resolve(undefined);
    await told.promise;
    take(server);
  };
  const tell = () => {
    told.resolve(undefined);
  };
  return { ask, asked, isFull: full.promise, tell };
}

it('lets one user take no more places, however many requests it makes', async () => {
  const by = asker();
  const { ask, asked, isFull, tell } = silentUntilTold(100);
  const all = [1, 2].map((n) => askAll(by, some(100, `request${n}-`), 60_000, ask, 'mallory'));
  await isFull;
  expect((await askAll(by, [one], 50, answers, 'mallory')).failures).toMatchObject({
    [one]: { status: 503 },
  });
  expect((await askAll(by, [one], 60_000, answers)).taken).toEqual([one]);
  expect(asked).toHaveLength(100);
  tell();
  for (const { taken } of await Promise.all(all)) expect(taken).toHaveLength(100);
}, 60_000);

it('lets questions wait for a place until there is one, or the time is over', async () => {
  const by = asker();
  // Each user waits for a hundred at most, and all of them for three hundred.
  const { ask, isFull, tell } = silentUntilTold(300);
  const all = [1, 2, 3].map((n) => askAll(by, some(100, `request${n}-`), 60_000, ask, `user${n}`));
  await isFull;
  const late = await askAll(by, [one], 50, answers);
  expect(late.failures).toMatchObject({ [one]: { status: 503 } });
  const patient = askAll(by, [one], 60_000, answers);
  tell();
  expect((await patient).taken).toEqual([one]);
  for (const { taken } of await Promise.all(all)) expect(taken).toHaveLength(100);
}, 60_000);

describe('bytes of answers', () => {
  const MIB = 1024 * 1024;
  const large: Ask = (server, _, take, allowance) => {
    if (!allowance.take(8 * MIB)) throw new MatrixError(502, 'M_TOO_LARGE', 'too large');
    take(server);
  };

  it('are bounded for a user, over all servers of all requests, until these end', async () => {
    const by = asker();
    const release = Promise.withResolvers<undefined>();
    const slow = askAll(by, [one], 10_000, async (...asked) => {
      large(...asked);
      await release.promise;
    });
    const { taken, failures } = await askAll(by, some(5, 's'), 10_000, large);
    expect([taken.length, Object.keys(failures).length]).toEqual([1, 4]);
    expect((await askAll(by, [two], 10_000, large, 'bob')).taken).toEqual([two]);
    release.resolve(undefined);
    expect((await slow).taken).toEqual([one]);
    expect((await askAll(by, some(2, 's'), 10_000, large)).taken).toHaveLength(2);
  });

  it('are bounded for all users together', async () => {
    const by = asker();
    const release = Promise.withResolvers<undefined>();
    const held = Array.from({ length: 9 }, (_, n) =>
      askAll(
        by,
        some(2, 's'),
        10_000,
        async (...asked) => {
          await release.promise.then(() => undefined);
          large(...asked);
          await new Promise(setImmediate);
        },
        `user${n}`,
      ),
    );
    release.resolve(undefined);
    const taken = (await Promise.all(held)).flatMap((one) => one.taken);
    expect(taken).toHaveLength(16);
  });

  it('that come when the request is over are refused', async () => {
    const late = Promise.withResolvers<ByteAllowance>();
    const { failures } = await askAll(asker(), [one], 20, async (server, ms, take, allowance) => {
      late.resolve(allowance);
      await silent();
    });
    expect(Object.keys(failures)).toEqual([one]);
    expect((await late.promise).take(1)).toBe(false);
  });
});
