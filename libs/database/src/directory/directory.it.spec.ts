import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomAlias, RoomId, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { ForgottenRoomTransactor } from '../room/forgotten-room-transactor.js';
import { RoomReader } from '../room/room-reader.js';
import { RoomRows } from '../room/room-rows.js';
import { AliasReader } from './alias-reader.js';
import { AliasTransactor } from './alias-transactor.js';
import { PublishedRoomReader, type PublishedRoomQuery } from './published-room-reader.js';
import { PublishedRoomTransactor } from './published-room-transactor.js';
import { RoomReplacementTransactor } from './room-replacement-transactor.js';

const alice = '@alice:a.example' as UserId;
const bob = '@bob:a.example' as UserId;

describe('the room directory', () => {
  let server: TestDatabase;
  let database: Database;
  let pub: RoomRows;
  let space: RoomRows;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 2, applicationName: 'directory' });
    await migrateToLatest(database.db);
    const room = (roomId: string, inDirectory: boolean) =>
      RoomRows.create(database, { roomId: roomId as RoomId, inDirectory });
    pub = await room('!pub:a.example', true);
    await pub.state('m.room.create', alice, {});
    await pub.member(alice, 'join');
    await pub.member(bob, 'join');
    await pub.state('m.room.name', alice, { name: 'Old name' });
    await pub.state('m.room.name', alice, { name: 'The Grand Pub' });
    await pub.state('m.room.join_rules', alice, { join_rule: 'public' });
    const topic = await pub.state('m.room.topic', alice, { topic: 'redacted secret' });
    await pub.event({ type: 'm.room.redaction', sender: alice, redacts: topic });
    space = await room('!space:a.example', true);
    await space.state('m.room.create', alice, { type: 'm.space' });
    await space.member(alice, 'join');
    await space.state('m.room.name', alice, { name: 'nul \u0000' });
    await space.state('m.room.canonical_alias', alice, { alias: 'lone \ud800' });
    await space.state('m.room.topic', alice, { topic: 7 });
    await space.state('m.room.avatar', alice, { url: 'mxc://a.example/x' });
    const hidden = await room('!hidden:a.example', false);
    await hidden.member(alice, 'join');
    const empty = await room('!empty:a.example', true);
    await empty.member(alice, 'leave');
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const find = async (query: Partial<PublishedRoomQuery> = {}) =>
    new PublishedRoomReader(database).page({ limit: 10, offset: 0, ...query });
  const idsOf = async (query: Partial<PublishedRoomQuery>) =>
    (await find(query)).rooms.map(({ roomId }) => roomId);

  it('lists published rooms with members, the largest first, by their current state', async () => {
    expect(await find()).toEqual({
      total: 2,
      rooms: [
        {
          roomId: pub.roomId,
          joinedMembers: 2,
          name: 'The Grand Pub',
          topic: null,
          canonicalAlias: null,
          avatarUrl: null,
          joinRule: 'public',
          historyVisibility: null,
          guestAccess: null,
          roomType: null,
        },
        {
          roomId: space.roomId,
          joinedMembers: 1,
          name: null,
          topic: null,
          canonicalAlias: null,
          avatarUrl: 'mxc://a.example/x',
          joinRule: null,
          historyVisibility: null,
          guestAccess: null,
          roomType: 'm.space',
        },
      ],
    });
  });

  it('pages', async () => {
    expect(await find({ limit: 1, offset: 1 })).toMatchObject({
      total: 2,
      rooms: [{ roomId: space.roomId }],
    });
  });

  it('searches current names, not old ones and not redacted topics', async () => {
    expect(await idsOf({ term: 'gRAND' })).toEqual([pub.roomId]);
    expect(await idsOf({ term: 'old name' })).toEqual([]);
    expect(await idsOf({ term: 'secret' })).toEqual([]);
  });

  it('filters by room type, null for none', async () => {
    expect(await idsOf({ roomTypes: ['m.space'] })).toEqual([space.roomId]);
    expect(await idsOf({ roomTypes: [null] })).toEqual([pub.roomId]);
    expect(await idsOf({ roomTypes: [null, 'm.space'] })).toEqual([pub.roomId, space.roomId]);
    expect(await idsOf({ roomTypes: [] })).toEqual([]);
  });

  it('takes a room out again', async () => {
    const writer = new PublishedRoomTransactor(database);
    await writer.setPublished(space.roomNid, false);
    expect(await idsOf({})).toEqual([pub.roomId]);
    await writer.setPublished(space.roomNid, true);
  });

  it('makes an alias once, finds it, removes it once', async () => {
    const alias = '#🐙:a.example' as RoomAlias;
    const writer = new AliasTransactor(database);
    const reader = new AliasReader(database);
    expect(await writer.create(alias, pub.roomNid, bob)).toBe(true);
    expect(await writer.create(alias, space.roomNid, alice)).toBe(false);
    expect(await reader.find(alias)).toEqual({
      alias,
      roomNid: pub.roomNid,
      roomId: pub.roomId,
      creator: bob,
    });
    expect(await reader.aliasesOf(pub.roomNid)).toEqual([alias]);
    expect(await writer.remove(alias)).toBe(true);
    expect(await writer.remove(alias)).toBe(false);
    expect(await reader.aliasesOf(pub.roomNid)).toEqual([]);
  });

  it('lets a room be found where another one was, and repeating it harms nothing', async () => {
    const room = (roomId: string, inDirectory: boolean) =>
      RoomRows.create(database, { roomId: roomId as RoomId, inDirectory });
    const [listed, unlisted, next] = [
      await room('!1:x', true),
      await room('!2:x', false),
      await room('!3:x', false),
    ];
    const aliases = new AliasReader(database);
    await new AliasTransactor(database).create('#one:a.example' as RoomAlias, unlisted.roomNid, bob);
    await new AliasTransactor(database).create('#two:a.example' as RoomAlias, unlisted.roomNid, alice);
    const replacements = new RoomReplacementTransactor(database);
    const isListed = async ({ roomId }: RoomRows) =>
      (await new RoomReader(database).byId(roomId))?.inDirectory;
    for (let times = 0; times < 2; times++) {
      await replacements.takeOver(unlisted.roomNid, next.roomNid);
      expect(await aliases.aliasesOf(next.roomNid)).toHaveLength(2);
      expect(await aliases.aliasesOf(unlisted.roomNid)).toEqual([]);
      expect(await aliases.find('#one:a.example' as RoomAlias)).toMatchObject({
        roomNid: next.roomNid,
        creator: bob,
      });
      expect(await isListed(next)).toBe(false);
    }
    for (let times = 0; times < 2; times++) {
      await replacements.takeOver(listed.roomNid, next.roomNid);
      expect([await isListed(listed), await isListed(next)]).toEqual([false, true]);
    }
  });

  it('forgets only rooms that were left', async () => {
    const writer = new ForgottenRoomTransactor(database);
    const forgotten = async () => (await new RoomReader(database).membershipOf(bob, pub.roomNid))?.forgotten;
    await writer.forget(bob, pub.roomNid);
    expect(await forgotten()).toBe(false);
    await pub.member(bob, 'leave');
    await writer.forget(bob, pub.roomNid);
    expect(await forgotten()).toBe(true);
  });
});
