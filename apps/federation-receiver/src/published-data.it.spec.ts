import { hashToken } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { alice, type Asked, bob, federationPath, startAsked } from './room-reads.spec-support.js';

/** What this server tells every other one: its directory, its aliases, the profiles of its users. */
describe('what any server reads', () => {
  let asked: Asked;
  const get = (parts: string[], query = {}) => asked.ask('hs3', 'GET', federationPath(parts, query));
  const chunk = async (answer: Promise<{ body: unknown }>) =>
    ((await answer).body as { chunk: JsonObject[] }).chunk.map((room) => room['room_id']);

  beforeAll(async () => {
    asked = await startAsked();
    const { db } = asked.database;
    for (const name of ['first', 'second', 'hidden']) {
      const inDirectory = name !== 'hidden';
      const room = await RoomRows.create(asked.database, { roomId: `!${name}:hs1` as RoomId, inDirectory });
      await room.member(alice, 'join');
      if (name === 'second') continue;
      await room.member(bob, 'join');
      await room.state('m.room.name', alice, { name: `The ${name} room` });
      const alias = `#${name} 🏠:hs1` as RoomAlias;
      await db
        .insertInto('room_aliases')
        .values({ alias, room_nid: room.roomNid, creator: alice, created_ts: 0 })
        .execute();
    }
    await db.insertInto('users').values({ user_id: alice, password_hash: null, created_ts: 0 }).execute();
    const fields = { displayname: '"Alice"', 'org.example.pet': '{"cat":1}' };
    for (const [name, value] of Object.entries(fields)) {
      await db.insertInto('profile_fields').values({ user_id: alice, name, value }).execute();
    }
    const token = (name: string, lifetime: number) => ({
      ...{ token_hash: hashToken(name), user_id: alice, expires_ts: Date.now() + lifetime },
    });
    await db
      .insertInto('openid_tokens')
      .values([token('good', 60_000), token('ended', -1)])
      .execute();
  });
  afterAll(() => asked.close());

  it('the published rooms, in pages', async () => {
    const whole = await get(['publicRooms']);
    expect(whole).toMatchObject({
      status: 200,
      body: {
        total_room_count_estimate: 2,
        chunk: [
          { room_id: '!first:hs1', num_joined_members: 2, name: 'The first room' },
          { room_id: '!second:hs1' },
        ],
      },
    });
    expect(await chunk(get(['publicRooms'], { limit: 0 }))).toHaveLength(2);
    const first = await get(['publicRooms'], { limit: 1 });
    const { next_batch } = first.body as { next_batch: string };
    expect(await chunk(get(['publicRooms'], { limit: 1, since: next_batch }))).toEqual(['!second:hs1']);
    expect(await get(['publicRooms'], { since: 'x' })).toMatchObject({
      ...{ status: 400, body: { errcode: 'M_INVALID_PARAM' } },
    });
  });

  it('the published rooms that a filter finds', async () => {
    const search = (body: JsonObject) => asked.ask('hs3', 'POST', federationPath(['publicRooms']), body);
    expect(await chunk(search({ filter: { generic_search_term: 'FIRST' } }))).toEqual(['!first:hs1']);
    expect(await chunk(search({ filter: { room_types: ['m.space'] } }))).toEqual([]);
    expect(await search({ filter: { generic_search_term: 'nul \0' } })).toMatchObject({
      ...{ status: 400, body: { errcode: 'M_BAD_JSON' } },
    });
  });

  it('where an alias leads, and which servers are there', async () => {
    const found = await get(['query', 'directory'], { room_alias: '#first 🏠:hs1' });
    expect(found).toMatchObject({ status: 200, body: { room_id: '!first:hs1', servers: ['hs1', 'hs2'] } });
    for (const [room_alias, status, errcode] of [
      ['#none:hs1', 404, 'M_NOT_FOUND'],
      ['#first 🏠:hs2', 404, 'M_NOT_FOUND'],
      ['first', 400, 'M_INVALID_PARAM'],
    ] as const) {
      expect(await get(['query', 'directory'], { room_alias })).toMatchObject({ status, body: { errcode } });
    }
    expect(await get(['query', 'directory'])).toMatchObject({
      ...{ status: 400, body: { errcode: 'M_MISSING_PARAM' } },
    });
  });

  it('profiles, or one field of them', async () => {
    const profile = async (query: Record<string, string>) => {
      const { status, body } = await get(['query', 'profile'], query);
      return status === 200 ? body : [status, (body as JsonObject)['errcode']];
    };
    expect(await profile({ user_id: alice })).toEqual({
      displayname: 'Alice',
      'org.example.pet': { cat: 1 },
    });
    expect(await profile({ user_id: alice, field: 'displayname' })).toEqual({ displayname: 'Alice' });
    expect(await profile({ user_id: alice, field: 'avatar_url' })).toEqual([404, 'M_NOT_FOUND']);
    expect(await profile({ user_id: alice, field: '__proto__' })).toEqual([404, 'M_NOT_FOUND']);
    expect(await profile({ user_id: '@none:hs1' })).toEqual([404, 'M_NOT_FOUND']);
    expect(await profile({ user_id: bob })).toEqual([404, 'M_NOT_FOUND']);
    expect(await profile({ user_id: '@alice:hs1:port' })).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('nothing else by query', async () => {
    expect(await get(['query', 'weather'])).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });

  it('the owner of an OpenID token, without a signature', async () => {
    const userinfo = (query = {}) => asked.askUnsigned(federationPath(['openid', 'userinfo'], query));
    expect(await userinfo({ access_token: 'good' })).toMatchObject({ status: 200, body: { sub: alice } });
    for (const access_token of ['ended', 'unknown']) {
      expect(await userinfo({ access_token })).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN' },
      });
    }
    expect(await userinfo()).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});
