import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Federation, register, startFederation, type TestUser } from '@atoll/testing';
import { testSettings } from '../test-settings.js';

let federation: Federation;
let alice: TestUser;
let bob: TestUser;
let here: string;
let there: string;

beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  [here, there] = [one.serverName, two.serverName];
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
});
afterAll(() => federation.stop());

/** What a room's state is for a user: `type|key` to event id, in order. */
async function stateOf(user: TestUser, roomId: string): Promise<string[]> {
  const answer = await user.request('GET', `/v3/rooms/${encodeURIComponent(roomId)}/state`);
  const events = answer.body as unknown as { type: string; state_key: string; event_id: string }[];
  return events.map(({ type, state_key, event_id }) => `${type}|${state_key} ${event_id}`).sort();
}

async function eventually<T>(look: () => Promise<T>, fits: (found: T) => boolean): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = await look();
    if (fits(found) || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const bodies = async (user: TestUser, roomId: string) =>
  (await user.history(roomId)).flatMap(({ content }) => (content['body'] as string | undefined) ?? []).reverse();

test.each(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])(
  'a room of version %s: join by alias, talk both ways, read what was said before',
  async (version) => {
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_version: version,
      room_alias_name: `talk-${version}`,
    });
    await alice.send(roomId, 'before');
    expect(await bob.join(`#talk-${version}:${here}`)).toBe(roomId);
    await bob.send(roomId, 'from bob');
    await alice.send(roomId, 'from alice');
    const said = ['before', 'from bob', 'from alice'];
    expect((await eventually(() => bodies(alice, roomId), (found) => found.length >= 3)).sort()).toEqual([...said].sort());
    expect((await eventually(() => bodies(bob, roomId), (found) => found.length >= 3)).sort()).toEqual([...said].sort());
    expect(await stateOf(bob, roomId)).toEqual(await stateOf(alice, roomId));
    expect(there).not.toBe(here);
  },
);
