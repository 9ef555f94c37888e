import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Federation, path, register, startFederation, type TestUser } from '@atoll/testing';
import { RelatingRoom } from '../behaviours/relating-room.js';
import { testSettings } from '../test-settings.js';
import { ids } from '../users.js';
import { eventually } from './eventually.js';

let federation: Federation;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const instances = { 'federation-sender': 1, media: 0, push: 0 };
  federation = await startFederation({ servers: ['cluster', 'all-in-one'], instances, env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
}, 90_000);
afterAll(() => federation.stop());

test('a thread from before the join is found in what was scrolled back to, and goes on across servers', async () => {
  const room = new RelatingRoom(await alice.createRoom({ preset: 'public_chat' }));
  const root = await alice.send(room.id, 'root');
  const first = await room.reply(alice, root);
  await room.edit(alice, root, 'better');
  const gone = await room.reply(alice, root);
  await alice.redact(room.id, gone);
  const via = alice.userId.split(':').slice(1).join(':');
  await bob.expect('POST', path`/v3/join/${room.id}` + `?via=${via}`, {});

  await bob.history(room.id);
  expect(ids((await room.threads(bob)).chunk)).toEqual([root]);
  expect(ids((await room.relations(bob, root, '/m.thread')).chunk)).toEqual([first]);
  expect(await room.bundleOf(bob, root)).toMatchObject({
    'm.replace': { content: { 'm.new_content': { body: 'better' } } },
    'm.thread': { count: 1, latest_event: { event_id: first }, current_user_participated: false },
  });

  const threadOf = async (who: TestUser) => (await room.bundleOf(who, root))?.['m.thread'];
  const answer = await room.reply(bob, root);
  expect(
    await eventually(
      () => threadOf(alice),
      (thread) => thread?.count === 2,
    ),
  ).toMatchObject({
    count: 2,
    latest_event: { event_id: answer },
  });
  await alice.redact(room.id, answer);
  expect(
    await eventually(
      () => threadOf(bob),
      (thread) => thread?.count === 1,
    ),
  ).toMatchObject({
    count: 1,
    latest_event: { event_id: first },
  });
  expect(ids((await room.relations(bob, root, '/m.thread')).chunk)).toEqual([first]);
});
