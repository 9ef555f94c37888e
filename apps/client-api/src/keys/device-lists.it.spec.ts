import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSyncApp, type SyncApp, type SyncUser } from '../sync/sync-app.spec-support.js';
import { passwordAuth } from '../test-client-api.spec-support.js';
import { ClientKey, CrossSigning, deviceKeysOf, keyRequests, oneTimeKeys } from './test-keys.spec-support.js';

interface Lists {
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

const NOTHING: Lists = { changed: [], left: [] };
let app: SyncApp;
let requests: ReturnType<typeof keyRequests>;
let users = 0;
beforeAll(async () => {
  app = await startSyncApp();
  requests = keyRequests(app);
});
afterAll(() => app.close());

const newcomer = () => app.register(`user${users++}`);
const listsOf = ({ device_lists: lists }: JsonObject): Lists => {
  const { changed, left } = (lists ?? NOTHING) as Lists;
  return { changed: changed.toSorted(), left: left.toSorted() };
};
const tokenOf = async (user: SyncUser) => (await app.sync(user)).next_batch;
/** The sets since a token, which `/sync` and `/keys/changes` tell alike, and each time again. */
async function since(user: SyncUser, from: string): Promise<Lists> {
  const answer = await app.sync(user, { since: from });
  const again = await app.sync(user, { since: from });
  const query = new URLSearchParams({ from, to: answer.next_batch }).toString();
  const { body } = await app.request('GET', `/keys/changes?${query}`, { token: user.token });
  const lists = listsOf(answer as unknown as JsonObject);
  expect(listsOf(again as unknown as JsonObject)).toEqual(lists);
  expect(listsOf({ device_lists: body })).toEqual(lists);
  return lists;
}
/** Waits for lists. What else is told meanwhile, such as who is online, is of no room. */
async function untilLists(user: SyncUser, from: string): Promise<Lists> {
  for (let next = from; ;) {
    const answer = await app.sync(user, { since: next, timeout: 30_000 });
    const lists = listsOf(answer as unknown as JsonObject);
    if (lists.changed.length + lists.left.length > 0) return lists;
    expect([answer.rooms, answer]).toEqual([undefined, answer]);
    next = answer.next_batch;
  }
}
const changed = (...those: SyncUser[]): Lists => ({
  changed: those.map(({ userId }) => userId as string).toSorted(),
  left: [],
});
const left = (...those: SyncUser[]): Lists => ({
  changed: [],
  left: those.map(({ userId }) => userId as string).toSorted(),
});

describe('who comes to share a room', () => {
  let alice: SyncUser;
  let bob: SyncUser;
  let rooms: RoomRows[];
  let [from, bobs] = ['', ''];
  const look = async () => {
    [from, bobs] = [await tokenOf(alice), await tokenOf(bob)];
  };
  beforeEach(async () => {
    [alice, bob] = [await newcomer(), await newcomer()];
    rooms = [await app.createRoom(alice.userId), await app.createRoom(alice.userId)];
    await look();
  });
  const go = (room: number, membership: 'join' | 'leave' | 'invite' | 'ban', user = bob) =>
    app.together((db) => (rooms[room] as RoomRows).within(db.db).member(user.userId, membership));

  it('is told to both, and to the one who came of itself too', async () => {
    await go(0, 'invite');
    expect(await since(alice, from)).toEqual(NOTHING);
    await go(0, 'join');
    expect(await since(alice, from)).toEqual(changed(bob));
    expect(await since(bob, bobs)).toEqual(changed(alice, bob));
    await look();
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
  });

  it('in a second room is no news to others, nor is a new name in the room', async () => {
    await go(0, 'join');
    await look();
    await go(1, 'join');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, changed(bob)]);
    await look();
    await go(1, 'join');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
  });

  it('and leaves is told when there is no other room', async () => {
    await go(0, 'join');
    await go(1, 'join');
    await look();
    await go(0, 'leave');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
    await go(1, 'ban');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([left(bob), left(alice)]);
    await look();
    await go(1, 'leave');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
  });

  it('again is told, also when the client knew nothing of the time between', async () => {
    await go(0, 'join');
    await look();
    await go(0, 'leave');
    await go(0, 'join');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([changed(bob), changed(alice, bob)]);
    await look();
    await go(0, 'leave', alice);
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([left(bob), left(alice)]);
    await go(0, 'join', alice);
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([changed(alice, bob), changed(alice)]);
  });

  it('and is gone again before anybody looked was not there', async () => {
    await go(0, 'join');
    await go(0, 'leave');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
  });

  it('in a new room', async () => {
    await go(0, 'leave', alice);
    await look();
    const room = await app.createRoom(bob.userId);
    await room.member(alice.userId, 'join');
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([
      changed(alice, bob),
      changed(alice, bob),
    ]);
  });

  it('is told whatever the filter says of rooms', async () => {
    await go(0, 'join');
    const filter = { room: { rooms: [] } };
    const answer = await app.sync(alice, { since: from, filter });
    expect(listsOf(answer as unknown as JsonObject)).toEqual(changed(bob));
  });

  it('wakes those concerned', async () => {
    const waiting = untilLists(alice, from);
    await go(0, 'join');
    expect(await waiting).toEqual(changed(bob));
  });

  it('by a join through another server', async () => {
    const room = await RoomRows.create(app.database, { roomId: `!remote${users}:hs2` as RoomId });
    const seed = { type: 'm.room.member', seeded: true, content: { membership: 'join' } };
    await room.event({ ...seed, sender: bob.userId, stateKey: bob.userId });
    await app.together((db) => room.within(db.db).member(alice.userId, 'join'));
    expect(await since(alice, from)).toEqual(changed(alice, bob));
  });
});

describe('a list', () => {
  let alice: SyncUser;
  let bob: SyncUser;
  let stranger: SyncUser;
  let [from, bobs, strangers] = ['', '', ''];
  const look = async () => {
    [from, bobs, strangers] = [await tokenOf(alice), await tokenOf(bob), await tokenOf(stranger)];
  };
  /** Bob changed something: those who share a room with him hear of it, and he does. */
  const expectChange = async () => {
    expect([await since(alice, from), await since(bob, bobs), await since(stranger, strangers)]).toEqual([
      changed(bob),
      changed(bob),
      NOTHING,
    ]);
    await look();
  };
  const expectNone = async () => {
    expect([await since(alice, from), await since(bob, bobs)]).toEqual([NOTHING, NOTHING]);
  };
  beforeAll(async () => {
    [alice, bob, stranger] = [await newcomer(), await newcomer(), await newcomer()];
    const room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
    await look();
  });

  it('changes with the keys of a device, not with one-time keys', async () => {
    const deviceKeys = deviceKeysOf(bob);
    await requests.upload(bob, { device_keys: deviceKeys });
    await expectChange();
    await requests.upload(bob, { device_keys: deviceKeys, one_time_keys: oneTimeKeys('a') });
    await expectNone();
  });

  it('changes with devices, which wakes those who share a room', async () => {
    const waiting = untilLists(alice, from);
    const phone = await app.logIn(bob.userId);
    expect(await waiting).toEqual(changed(bob));
    await expectChange();
    const renamed = { token: bob.token, body: { display_name: 'Phone' } };
    await app.request('PUT', `/devices/${phone.deviceId}`, renamed);
    await expectChange();
    await app.request('PUT', `/devices/${phone.deviceId}`, renamed);
    await expectNone();
    await app.logIn(bob.userId, { device_id: phone.deviceId });
    await expectNone();
    const auth = passwordAuth(bob.userId, undefined);
    await app.request('DELETE', `/devices/${phone.deviceId}`, { token: bob.token, body: { auth } });
    await expectChange();
    const tablet = await app.logIn(bob.userId);
    await look();
    await app.request('POST', '/logout', { token: tablet.token });
    await expectChange();
  });

  it('changes with cross-signing keys and what is signed with them', async () => {
    const deviceKey = new ClientKey();
    const device = deviceKeysOf(bob, deviceKey);
    await requests.upload(bob, { device_keys: device });
    await look();
    const keys = new CrossSigning(bob.userId);
    await requests.uploadCrossSigning(bob, keys.upload);
    await expectChange();
    await requests.uploadCrossSigning(bob, keys.upload);
    await expectNone();
    const signed = keys.selfSigning.sign(device, bob.userId, keys.selfSigning.publicKey);
    await requests.uploadSignatures(bob, { [bob.userId]: { [bob.deviceId]: signed } });
    await expectChange();

    // Signing the key of another is nobody else's business.
    const theirs = new CrossSigning(stranger.userId);
    await requests.uploadCrossSigning(stranger, theirs.upload);
    await look();
    const { userSigning } = keys;
    const master = userSigning.sign(theirs.upload.master_key, bob.userId, userSigning.publicKey);
    await requests.uploadSignatures(bob, { [stranger.userId]: { [theirs.master.publicKey]: master } });
    expect([await since(alice, from), await since(bob, bobs), await since(stranger, strangers)]).toEqual([
      NOTHING,
      changed(stranger),
      NOTHING,
    ]);
    await look();
  });

  it('changes when all devices go with a password, and with the account', async () => {
    await app.logIn(bob.userId);
    await look();
    const auth = passwordAuth(bob.userId, undefined);
    const body = { new_password: 'another horse', logout_devices: true, auth };
    expect((await app.request('POST', '/account/password', { token: bob.token, body })).status).toBe(200);
    await expectChange();
    const gone = { auth: passwordAuth(bob.userId, undefined, 'another horse') };
    expect((await app.request('POST', '/account/deactivate', { token: bob.token, body: gone })).status).toBe(
      200,
    );
    expect(await since(alice, from)).toEqual(changed(bob));
    const { body: keys } = await requests.query(alice, { device_keys: { [bob.userId]: [] } });
    expect(keys).toMatchObject({ device_keys: { [bob.userId]: {} }, master_keys: {} });
  });

  it('that changed again after a stretch of `/keys/changes` is among those of the stretch', async () => {
    const [carol, dan] = [await newcomer(), await newcomer()];
    const room = await app.createRoom(carol.userId);
    await room.member(dan.userId, 'join');
    const start = await tokenOf(carol);
    await app.logIn(dan.userId);
    const end = await tokenOf(carol);
    await app.logIn(dan.userId);
    const query = new URLSearchParams({ from: start, to: end }).toString();
    const { body } = await app.request('GET', `/keys/changes?${query}`, { token: carol.token });
    expect(listsOf({ device_lists: body })).toEqual(changed(dan));
  });

  it.each([
    ['', 'M_MISSING_PARAM'],
    ['?from=s1_1&to=nonsense', 'M_INVALID_PARAM'],
    ['?from=s1_1', 'M_MISSING_PARAM'],
  ])('is not asked for with %j', async (query, errcode) => {
    const answer = await app.request('GET', `/keys/changes${query}`, { token: alice.token });
    expect(answer).toMatchObject({ status: 400, body: { errcode } });
  });
});

it('the sets are those of a model, for random memberships', async () => {
  const people = await Promise.all(Array.from({ length: 4 }, newcomer));
  const owner = await newcomer();
  const rooms: RoomRows[] = [];
  for (let n = 0; n < 3; n++) rooms.push(await app.createRoom(owner.userId));
  const random = seeded(20_261_126);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  /** Each step: for each room who is in it, and whose list changed with the step. */
  const history: { readonly joined: readonly ReadonlySet<string>[]; readonly listOf?: string }[] = [
    { joined: rooms.map(() => new Set([owner.userId])) },
  ];
  const tokens = await Promise.all(people.map(tokenOf));
  const seen = people.map(() => 0);

  const expected = (me: string, start: number): Lists => {
    const steps = history.slice(start);
    const share = (other: string, at: number) =>
      steps.at(at)?.joined.some((joined) => joined.has(me) && joined.has(other)) === true;
    const always = (other: string, room: number) =>
      steps.every(({ joined }) => joined[room]?.has(me) === true && joined[room].has(other));
    const came = rooms.some((_, room) => steps.at(-1)?.joined[room]?.has(me) === true && !always(me, room));
    const lists = new Set(steps.slice(1).map(({ listOf }) => listOf));
    const others = [...people, owner].map(({ userId }) => userId as string).filter((user) => user !== me);
    const isNew = (other: string) => lists.has(other) || !rooms.some((_, room) => always(other, room));
    return {
      changed: [
        ...others.filter((other) => share(other, -1) && isNew(other)),
        ...(came || lists.has(me) ? [me] : []),
      ].toSorted(),
      left: others.filter((other) => share(other, 0) && !share(other, -1)).toSorted(),
    };
  };

  for (let step = 0; step < 90; step++) {
    const person = pick(people);
    const { joined } = history.at(-1) ?? { joined: [] };
    if (random() < 0.15) {
      const body = { display_name: `name ${step}` };
      await app.request('PUT', `/devices/${person.deviceId}`, { token: person.token, body });
      history.push({ joined, listOf: person.userId });
    } else {
      const room = Math.floor(random() * rooms.length);
      const membership = pick(['join', 'join', 'leave', 'invite'] as const);
      await app.together((db) => (rooms[room] as RoomRows).within(db.db).member(person.userId, membership));
      const next = joined.map((members) => new Set(members));
      if (membership === 'join') next[room]?.add(person.userId);
      else next[room]?.delete(person.userId);
      history.push({ joined: next });
    }
    if (random() < 0.4) continue;
    const reader = Math.floor(random() * people.length);
    const me = people[reader] as SyncUser;
    const answer = await app.sync(me, { since: tokens[reader] });
    expect([step, listsOf(answer as unknown as JsonObject)]).toEqual([
      step,
      expected(me.userId, seen[reader] ?? 0),
    ]);
    tokens[reader] = answer.next_batch;
    seen[reader] = history.length - 1;
  }
}, 60_000);

/** Numbers from 0 to 1 that are the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
