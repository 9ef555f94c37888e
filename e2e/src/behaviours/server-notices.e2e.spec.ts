import { randomUUID } from 'node:crypto';
import { type Database, openDatabase, ServerNoticeTransactor } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { path, type SyncAnswer, type SyncFollower, type TestUser } from '@atoll/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, outcome, texts } from '../users.js';

const { databaseUrl, serverName } = sharedCluster();
const SERVER = `@notices:${serverName}` as UserId;
const BLOCK_ALL = { default_action: 'block' };

let database: Database;
let alice: TestUser;
let sync: SyncFollower;
beforeAll(async () => {
  database = openDatabase({ url: databaseUrl, poolSize: 1, applicationName: 'server-notices-e2e' });
  alice = await newUser('alice');
  sync = await alice.follow();
});
afterAll(() => database.close());

/** What `ctl notices send` does. */
const tell = (body: string) =>
  database.db
    .transaction()
    .execute((trx) =>
      new ServerNoticeTransactor(trx).add({ noticeId: randomUUID(), body }, alice.userId as UserId, SERVER),
    );
const tagsIn = (answer: SyncAnswer, roomId: string) =>
  answer.rooms?.join?.[roomId]?.account_data?.events.find(({ type }) => type === 'm.tag')?.content['tags'];
async function invited(): Promise<string> {
  const isInvited = ({ rooms }: SyncAnswer) => rooms?.invite !== undefined;
  const { rooms } = await sync.until('invite', isInvited, 20_000);
  return Object.keys(rooms?.invite ?? {})[0] ?? '';
}

test('a notice comes in a tagged room of its own, whose invite cannot be rejected; the next one comes there, too', async () => {
  // Whoever wants no invites is told all the same.
  const type = 'm.invite_permission_config';
  await alice.expect('PUT', path`/v3/user/${alice.userId}/account_data/${type}`, BLOCK_ALL);
  await tell('first');
  const roomId = await invited();
  const leave = () => alice.request('POST', path`/v3/rooms/${roomId}/leave`, {});
  expect(outcome(await leave())).toBe('403 M_CANNOT_LEAVE_SERVER_NOTICE_ROOM');

  await alice.join(roomId);
  const isJoined = ({ rooms }: SyncAnswer) => rooms?.join?.[roomId] !== undefined;
  const joined = await sync.until('the room', isJoined);
  expect(tagsIn(joined, roomId)).toEqual({ 'm.server_notice': {} });
  expect(texts(joined.rooms?.join?.[roomId]?.timeline.events)).toEqual(['first']);
  const speak = path`/v3/rooms/${roomId}/send/m.room.message/speak`;
  expect(outcome(await alice.request('PUT', speak, { msgtype: 'm.text', body: 'hi' }))).toBe(
    '403 M_FORBIDDEN',
  );

  await tell('second');
  const tells = (text: string) => (answer: SyncAnswer) =>
    texts(answer.rooms?.join?.[roomId]?.timeline.events).includes(text);
  await sync.until('the second notice', tells('second'), 20_000);

  // Whoever has left is told in another room.
  expect(outcome(await leave())).toBe('200');
  await tell('third');
  expect(await invited()).not.toBe(roomId);
});
