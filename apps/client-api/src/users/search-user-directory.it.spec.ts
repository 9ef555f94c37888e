import { UserDirectoryIndex } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
let bob: TestUser;
let eve: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  [alice, bob, eve] = [await api.register('alice'), await api.register('bob'), await api.register('eve')];
});
afterAll(() => api.close());

const ask = (user: TestUser, body: JsonObject) =>
  api.request('POST', '/user_directory/search', { token: user.token, body });
const find = async (user: TestUser, search_term: string, limit?: number) => {
  const { body } = await ask(user, { search_term, ...(limit !== undefined && { limit }) });
  return body['results'] as { user_id: string; display_name?: string; avatar_url?: string }[];
};
const idsOf = async (user: TestUser, term: string) => (await find(user, term)).map(({ user_id }) => user_id);
const setName = (user: TestUser, displayname: string) =>
  api.database.db
    .insertInto('profile_fields')
    .values({ user_id: user.userId as UserId, name: 'displayname', value: JSON.stringify(displayname) })
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'name']).doUpdateSet({ value: JSON.stringify(displayname) }),
    )
    .execute();

let rooms = 0;
async function roomOf(...members: (TestUser | UserId)[]): Promise<RoomRows> {
  const room = await RoomRows.create(api.database, { roomId: `!directory${rooms++}:hs1` as RoomId });
  for (const member of members) {
    await room.member(typeof member === 'string' ? member : (member.userId as UserId), 'join');
  }
  return room;
}

describe('local users', () => {
  let shared: RoomRows;
  beforeAll(async () => {
    await setName(alice, 'Alice Cooper-Smith');
    shared = await roomOf(alice, bob);
    await shared.member(alice.userId as UserId, 'join', alice.userId as UserId, {
      displayname: 'Freddie Private',
    });
  });

  it('are found by who shares a room, by id and by words of their global name, never of a room', async () => {
    const found = [{ user_id: alice.userId, display_name: 'Alice Cooper-Smith' }];
    for (const term of [
      'alice',
      'ALICE',
      '@ali',
      alice.userId,
      'coop',
      'smith alice',
      'Alice Cooper-Smith',
    ]) {
      expect(await find(bob, term)).toEqual(found);
    }
    for (const term of ['freddie', 'lice', 'alice cooper jones', '@alice:hs2', '', '%', `'`, '\\']) {
      expect(await find(bob, term)).toEqual([]);
    }
    expect(await find(alice, 'alice')).toEqual([]);
    expect(await find(eve, 'alice')).toEqual([]);
  });

  it('are found by their new name at once, though no room was told', async () => {
    const path = `/profile/${bob.userId}/displayname`;
    const answer = await api.request('PUT', path, {
      token: bob.token,
      body: { displayname: 'Bobby Tables' },
    });
    expect(answer.status).toBe(200);
    expect(await idsOf(alice, 'tables')).toEqual([bob.userId]);
    await api.request('DELETE', path, { token: bob.token });
    expect(await find(alice, 'bob')).toEqual([{ user_id: bob.userId }]);
  });

  it('are found by everybody while they are in an open room', async () => {
    const open = await roomOf(alice);
    await open.state('m.room.join_rules', alice.userId as UserId, { join_rule: 'public' });
    expect(await idsOf(eve, 'alice')).toEqual([alice.userId]);
    await open.state('m.room.join_rules', alice.userId as UserId, { join_rule: 'invite' });
    expect(await idsOf(eve, 'alice')).toEqual([]);
    await open.state('m.room.history_visibility', alice.userId as UserId, {
      history_visibility: 'world_readable',
    });
    expect(await idsOf(eve, 'alice')).toEqual([alice.userId]);
    await open.member(alice.userId as UserId, 'leave');
    expect(await idsOf(eve, 'alice')).toEqual([]);
  });

  it('are not found once deactivated', async () => {
    const gone = await api.register('gone');
    await roomOf(gone, bob);
    expect(await idsOf(bob, 'gone')).toEqual([gone.userId]);
    await api.database.db
      .updateTable('users')
      .set({ is_deactivated: true })
      .where('user_id', '=', gone.userId as UserId)
      .execute();
    expect(await idsOf(bob, 'gone')).toEqual([]);
  });

  it('come the best first, no more than wanted', async () => {
    const names = ['fox', 'foxglove', 'arctic_fox', 'silver'];
    const users = await Promise.all(names.map((name) => api.register(name)));
    await setName(users[3] as TestUser, 'Fox');
    await roomOf(bob, ...users);
    const best = ['@silver:hs1', '@fox:hs1', '@foxglove:hs1', '@arctic_fox:hs1'];
    expect(await idsOf(bob, 'fox')).toEqual(best);
    expect((await ask(bob, { search_term: 'fox', limit: 2 })).body).toEqual({
      results: [{ user_id: '@silver:hs1', display_name: 'Fox' }, { user_id: '@fox:hs1' }],
      limited: true,
    });
    expect((await ask(bob, { search_term: 'fox', limit: 4 })).body['limited']).toBe(false);
  });
});

describe('remote users', () => {
  const zoe = '@Zoe:elsewhere' as UserId;

  it('are known by their member events, of open rooms before others', async () => {
    const closed = await roomOf(bob);
    await closed.member(zoe, 'join', zoe, { displayname: 'Zoe Hidden', avatar_url: 'mxc://elsewhere/a' });
    expect(await find(bob, '@zoe:ELSEWHERE')).toEqual([
      { user_id: zoe, display_name: 'Zoe Hidden', avatar_url: 'mxc://elsewhere/a' },
    ]);
    const open = await roomOf(alice);
    await open.state('m.room.join_rules', alice.userId as UserId, { join_rule: 'public' });
    const seen = await open.member(zoe, 'join', zoe, { displayname: 'Zoe\0', avatar_url: 'https://x/' });
    await closed.member(zoe, 'join', zoe, { displayname: 'Zoe Secret' });
    expect(await find(eve, 'zoe')).toEqual([{ user_id: zoe, display_name: 'Zoe' }]);
    expect(await idsOf(bob, 'secret')).toEqual([]);
    await open.event({ type: 'm.room.redaction', sender: zoe, redacts: seen });
    expect(await find(eve, 'zoe')).toEqual([{ user_id: zoe }]);
  });

  it.each([
    ['m.room.join_rules', { join_rule: 'public' }],
    ['m.room.history_visibility', { history_visibility: 'world_readable' }],
  ])('are known by their name of a room from when it opens: %s', async (type, content) => {
    const yan = `@yan${rooms}:elsewhere` as UserId;
    const opening = await roomOf(alice);
    await opening.member(yan, 'join', yan, { displayname: 'Yan' });
    const closed = await roomOf(bob);
    await closed.member(yan, 'join', yan, { displayname: 'Yan Secret' });
    expect(await find(bob, yan)).toEqual([{ user_id: yan, display_name: 'Yan Secret' }]);
    expect(await find(eve, yan)).toEqual([]);
    await opening.state(type, alice.userId as UserId, content);
    expect(await find(eve, yan)).toEqual([{ user_id: yan, display_name: 'Yan' }]);
    expect(await idsOf(eve, 'secret')).toEqual([]);
  });

  it('are not found by everybody while the members of a room that opens are gone through', async () => {
    const xia = `@xia:elsewhere` as UserId;
    const opening = await roomOf(alice);
    await opening.member(xia, 'join', xia, { displayname: 'Xia' });
    await opening.state('m.room.join_rules', alice.userId as UserId, { join_rule: 'public' });
    expect(await idsOf(eve, 'xia')).toEqual([xia]);
    // What a page of the stream leaves to the steps after it; the index is held, so that none comes.
    await api.database.db.transaction().execute(async (trx) => {
      await trx
        .selectFrom('index_cursors')
        .select('name')
        .where('name', '=', 'user_directory')
        .forUpdate()
        .execute();
      const goThrough = (next: number | null) =>
        api.database.db
          .updateTable('directory_rooms')
          .set({ next_user_nid: next })
          .where('room_nid', '=', opening.roomNid)
          .execute();
      await goThrough(0);
      expect(await idsOf(eve, 'xia')).toEqual([]);
      expect(await idsOf(eve, 'alice')).toEqual([alice.userId]);
      await goThrough(null);
      expect(await idsOf(eve, 'xia')).toEqual([xia]);
    });
  });

  it('come with a join by another server, in steps', async () => {
    const room = await roomOf();
    // One transaction: each commit waits for the disk.
    await api.database.db.transaction().execute(async (trx) => {
      const seeded = room.within(trx);
      for (let n = 0; n < 450; n++) {
        const member = `@seed${n}:elsewhere` as UserId;
        await seeded.event({
          type: 'm.room.member',
          sender: member,
          stateKey: member,
          content: { membership: 'join', displayname: `Seeded${n}` },
          seeded: true,
        });
      }
    });
    await room.member(bob.userId as UserId, 'join');
    const index = new UserDirectoryIndex(api.database);
    while (await index.isBehind()) await index.step();
    for (const n of [0, 200, 449]) expect(await idsOf(bob, `seeded${n}`)).toContain(`@seed${n}:elsewhere`);
    expect(await find(eve, 'seeded0')).toEqual([]);
  }, 120_000);
});

it('refuses what is no search', async () => {
  expect((await ask(bob, {})).body['errcode']).toBe('M_BAD_JSON');
  expect((await ask(bob, { search_term: 'x'.repeat(256) })).body['errcode']).toBe('M_BAD_JSON');
  expect((await ask(bob, { search_term: 'x', limit: 0 })).body['errcode']).toBe('M_BAD_JSON');
  expect((await ask({ ...bob, token: 'none' }, { search_term: 'x' })).status).toBe(401);
});
