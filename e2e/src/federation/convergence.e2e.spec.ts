import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { register, startFederation, SteadySyncer, type Federation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { ids } from '../users.js';
import { saidIn } from './across.js';
import { eventually } from './eventually.js';
import {
  actAlone,
  expectBothRead,
  expectHealed,
  expectSplit,
  joinThrough,
  openSharedRoom,
  openSide,
  type Side,
} from './split-room.js';

let federation: Federation;
let here: Side;
let there: Side;
/** Of a third server, which both sides reach. */
let witness: TestUser;

beforeAll(async () => {
  const servers = ['all-in-one', 'all-in-one', 'all-in-one'] as const;
  federation = await startFederation({ servers, env: testSettings });
  const [one, two, three] = federation.servers;
  if (!one || !two || !three) throw new Error('three servers were asked for');
  here = await openSide(one, 'here');
  there = await openSide(two, 'there');
  witness = await register(three.clientUrl, 'witness');
}, 90_000);
afterEach(healBoth);
afterAll(() => federation.stop());

const versions = ['2', '10', '11', '12'];

async function cutBoth(): Promise<void> {
  await Promise.all([here.server.network.cut(), there.server.network.cut()]);
}

async function healBoth(): Promise<void> {
  await Promise.all([here.server.network.heal(), there.server.network.heal()]);
}

/** Both sides act at the same time, without each other. @returns what both said */
async function actOnBothSides(roomId: string) {
  const [fromHere, fromThere] = await Promise.all([
    actAlone(here, there, roomId, { invite: 20 }),
    actAlone(there, here, roomId, { kick: 60 }),
  ]);
  await expectSplit(here, there, roomId);
  return { ...fromHere, ...fromThere };
}

describe('rooms whose servers do not reach each other for a while', () => {
  let admins: TestUser[];
  let syncers: SteadySyncer[];
  /** Of each version: the room, and what was said in it while all of them were split. */
  const rooms = new Map<string, { roomId: string; said: Awaited<ReturnType<typeof actOnBothSides>> }>();
  beforeAll(async () => {
    admins = [here.admin, there.admin];
    const opened: [string, string][] = [];
    for (const version of versions) opened.push([version, await openSharedRoom(here, there, version)]);
    syncers = await Promise.all(
      admins.map(async (user) => new SteadySyncer(user, (await user.sync()).next_batch)),
    );
    await cutBoth();
    for (const [version, roomId] of opened) {
      rooms.set(version, { roomId, said: await actOnBothSides(roomId) });
    }
    await healBoth();
  }, 90_000);
  afterAll(() => Promise.all(syncers.map((syncer) => syncer.stop())));

  test.each(versions)('become one again (version %s)', async (version) => {
    const { roomId = '', said = {} } = rooms.get(version) ?? {};
    await expectHealed(here, there, roomId, said);
    for (const [index, syncer] of syncers.entries()) {
      const history = await admins[index]?.history(roomId);
      await syncer.sees(ids(history?.filter(({ type }) => type === 'm.room.message')));
    }
    expect(syncers.map(({ repeated }) => repeated)).toEqual([[], []]);
  });
});

test('a server that is down misses nothing, and nothing of what it had just done is lost', async () => {
  const roomIds = await Promise.all(versions.map((version) => openSharedRoom(here, there, version)));
  const [process] = there.server.instances('room-state');
  await cutBoth();
  await process?.kill('SIGKILL');
  const fromHere = await Promise.all(roomIds.map((roomId) => actAlone(here, there, roomId, { invite: 20 })));
  await process?.start();
  const fromThere = await Promise.all(roomIds.map((roomId) => actAlone(there, here, roomId, { kick: 60 })));
  await process?.kill('SIGKILL');
  await healBoth();
  await process?.start();
  const healed = roomIds.map((roomId, index) =>
    expectHealed(here, there, roomId, { ...fromHere[index], ...fromThere[index] }),
  );
  await Promise.all(healed);
}, 90_000);

test('what a third server hears of both sides becomes one there first', async () => {
  const roomId = await openSharedRoom(here, there, '12');
  await joinThrough(witness, roomId, here.server);
  await witness.send(roomId, 'witness: here');
  await expectBothRead(here, there, roomId, { [witness.userId]: ['witness: here'] });
  await cutBoth();
  const said = await actOnBothSides(roomId);
  const heard = Object.values(said).flat();
  const found = await eventually(
    () => saidIn(witness, roomId),
    (read) => heard.every((text) => read.includes(text)),
  );
  expect(found).toEqual(expect.arrayContaining(heard));
  await witness.send(roomId, 'witness: both');
  await healBoth();
  await expectHealed(here, there, roomId, {
    ...said,
    [witness.userId]: ['witness: here', 'witness: both'],
  });
});
