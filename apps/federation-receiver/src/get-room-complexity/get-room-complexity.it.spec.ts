import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { alice, type Asked, bob, type OtherServer, startAsked } from '../room-reads.spec-support.js';

let asked: Asked;
const id = (name: string) => `!${name}:hs1` as RoomId;
const ask = (origin: OtherServer, name: string) =>
  asked.ask(origin, 'GET', `/_matrix/federation/unstable/rooms/${encodeURIComponent(id(name))}/complexity`);

/** A room that alice is in, with four keys of state. */
async function make(name: string, joinRule: string, acl: JsonObject = { allow: ['*'] }) {
  const room = await RoomRows.create(asked.database, { roomId: id(name), version: '10' });
  await room.state('m.room.create', alice, {});
  await room.member(alice, 'join');
  await room.state('m.room.join_rules', alice, { join_rule: joinRule });
  await room.state('m.room.server_acl', alice, acl);
  return room;
}

beforeAll(async () => {
  asked = await startAsked();
  const room = await make('public', 'public');
  await room.state('m.room.name', alice, { name: 'one' });
  await room.state('m.room.name', alice, { name: 'two' });
  await room.message(alice, 'no state');
  await (await make('private', 'invite')).member(bob, 'join');
  await make('shut', 'public', { allow: ['hs9'] });
});
afterAll(() => asked.close());

it('is the number of state events, in units of 500', async () => {
  expect(await ask('hs3', 'public')).toMatchObject({ status: 200, body: { v1: 5 / 500 } });
});

it('is told to servers that could get in, and to those that are in', async () => {
  expect((await ask('hs2', 'private')).status).toBe(200);
  for (const name of ['private', 'shut', 'unknown']) {
    expect(await ask('hs3', name)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  }
});
