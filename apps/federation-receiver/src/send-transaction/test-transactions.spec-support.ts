import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { EVENT_STATUS, type Database } from '@atoll/database';
import { testRedis } from '@atoll/embedded';
import {
  generateSigningKey,
  lenientCanonicalJson,
  parseExactJson,
  type SigningKey,
} from '@atoll/event-crypto';
import type { JsonObject, JsonValue, Pdu, RoomId, ServerName, UserId } from '@atoll/matrix';
import { connectRedis } from '@atoll/redis-streams';
import { contentHash, eventIdOf, type RoomVersionRules, rulesOf, signEvent } from '@atoll/room-rules';
import {
  knownKey,
  OWN_NAME,
  startWith,
  testClient,
  testInstallation,
} from '../test-receiver.spec-support.js';

export const HS2 = 'hs2' as ServerName;
export const HS3 = 'hs3' as ServerName;
export const EVE = '@eve:hs2' as UserId;
const MEMBER = 1;

export interface TestRoom {
  readonly roomId: RoomId;
  readonly rules: RoomVersionRules;
}

interface RoomOptions {
  readonly version?: string;
  readonly members?: Record<string, 'join' | 'invite' | 'knock' | 'leave' | 'ban'>;
  readonly acl?: JsonObject;
}

/** The receiver with two servers whose keys it knows, and rooms as a test wants them. */
export async function startTransactionTest(settings: Record<string, string> = {}) {
  const redisServer = await testRedis();
  const installation = await testInstallation({ ATOLL_REDIS_URL: redisServer.url, ...settings });
  const redis = connectRedis(redisServer.url, 'spec');
  const { config, database } = installation;
  const keys: Record<string, SigningKey> = { [HS2]: generateSigningKey(), [HS3]: generateSigningKey() };
  const rows = Object.entries(keys).map(([name, key]) => knownKey(name, key));
  await database.db.insertInto('server_keys').values(rows).execute();
  const receiver = await startWith(config, []);
  const client = await testClient(config);

  return {
    database,
    keys,
    room: (options: RoomOptions = {}) => addRoom(database, options),
    /** A transaction that a server has signed; PDUs are given as objects or as exact text. */
    async send(pdus: readonly (JsonObject | string)[], options: SendOptions = {}) {
      const { origin = HS2, txnId = randomUUID(), edus = [], more = {} } = options;
      const uri = `/_matrix/federation/v1/send/${encodeURIComponent(txnId)}`;
      const exact = pdus.map((pdu) => (typeof pdu === 'string' ? parseExactJson(pdu, 700) : pdu));
      const content = { origin, origin_server_ts: Date.now(), pdus: exact as JsonValue[], edus, ...more };
      const signed = { method: 'PUT', uri, origin, destination: OWN_NAME, content };
      const key = keys[origin] ?? generateSigningKey();
      const sig = await key.sign(Buffer.from(lenientCanonicalJson(signed, 700)));
      const header = `X-Matrix origin="${origin}",destination="${OWN_NAME}",key="${key.keyId}",sig="${sig}"`;
      const answer = await client.send(receiver.url + uri, 'PUT', ['authorization', header], content);
      return { status: answer.status, body: answer.body as JsonObject };
    },
    staged: (roomId: RoomId) =>
      database.db
        .selectFrom('staged_pdus')
        .selectAll()
        .where('room_id', '=', roomId)
        .orderBy('staged_id')
        .execute(),
    /** Lets so many events wait for the owner of a room. */
    stageMany: (roomId: RoomId, count: number) =>
      sql`INSERT INTO staged_pdus (room_id, partition, event_id, origin, json, received_ts)
        SELECT ${roomId}, 0, '$waiting' || n, ${HS2}, '{}', 0 FROM generate_series(1, ${count}::int) AS n`.execute(
        database.db,
      ),
    /** The payloads of announcements of a name. */
    async announced(name: string): Promise<unknown[]> {
      const entries = await redis.xrange(`{atoll:announcements}:${name}`, '-', '+');
      return entries
        .map(([, fields]) => fields.find((field) => field.startsWith('{')))
        .map((text) => (text === undefined ? undefined : (JSON.parse(text) as { payload: unknown }).payload));
    },
    async stop() {
      await client.close();
      await receiver.close();
      redis.disconnect();
      await installation.remove();
      await redisServer.stop();
    },
  };
}

export interface SendOptions {
  readonly origin?: ServerName;
  readonly txnId?: string;
  readonly edus?: JsonValue[];
  readonly more?: JsonObject;
}

/** An event of a server, hashed and signed as its room version wants it, or more leniently. */
export async function eventIn(
  { roomId, rules }: TestRoom,
  key: SigningKey,
  said: Partial<Pdu> = {},
  { signer = HS2, lenient = false } = {},
): Promise<{ pdu: JsonObject; eventId: string }> {
  const draft = {
    ...{ room_id: roomId, sender: EVE, type: 'm.room.message', content: { body: `hello ${randomUUID()}` } },
    ...{ origin_server_ts: Date.now(), depth: 7, prev_events: [], auth_events: [] },
    ...{ hashes: { sha256: '' }, signatures: {} },
    ...(rules.eventIds === 'chosen' && { event_id: `$${randomUUID()}:${signer}` }),
    ...said,
  } as unknown as Pdu;
  const signing = lenient ? { ...rules, strictCanonicalJson: false } : rules;
  const hashed = { ...draft, hashes: { sha256: contentHash(draft, signing) } };
  const pdu = await signEvent(hashed, signing, signer, key);
  return { pdu: pdu as unknown as JsonObject, eventId: eventIdOf(pdu, signing) };
}

async function addRoom(database: Database, options: RoomOptions): Promise<TestRoom> {
  const { version = '11', members = { [`@alice:${OWN_NAME}`]: 'join', [EVE]: 'join' }, acl } = options;
  const { db } = database;
  const rules = rulesOf(version);
  if (rules === undefined) throw new Error(`no room version ${version}`);
  const hash = randomUUID().replaceAll('-', '').padEnd(43, 'x');
  const roomId = (rules.roomIdIsCreateEventId ? `!${hash}` : `!${hash}:hs2`) as RoomId;
  const { room_nid } = await db
    .insertInto('rooms')
    .values({ room_id: roomId, version, partition: 3, created_ts: 0 })
    .returning('room_nid')
    .executeTakeFirstOrThrow();
  for (const [userId, membership] of Object.entries(members)) {
    const user_nid = await stateKey(database, userId);
    await db
      .insertInto('memberships')
      .values({ user_nid, room_nid, membership, event_nid: 0, position: 1 })
      .execute();
  }
  if (acl !== undefined) await addAcl(database, room_nid, acl);
  return { roomId, rules };
}

async function addAcl({ db }: Database, room_nid: number, content: JsonObject): Promise<void> {
  await db
    .insertInto('event_types')
    .values({ type: 'm.room.server_acl' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { type_nid } = await db
    .selectFrom('event_types')
    .select('type_nid')
    .where('type', '=', 'm.room.server_acl')
    .executeTakeFirstOrThrow();
  const event_nid = 1_000 + room_nid;
  const json = JSON.stringify({ type: 'm.room.server_acl', state_key: '', content });
  await addEvent({ db }, { event_nid, room_nid, type_nid, event_id: `$acl${room_nid}`, json });
  const state = { room_nid, type_nid, state_key_nid: 1, event_nid, from_position: 1, to_position: null };
  await db.insertInto('room_state').values(state).execute();
}

/** A row of `events` with the least that readers look at. */
export async function addEvent(
  { db }: Pick<Database, 'db'>,
  row: {
    event_nid: number;
    room_nid: number;
    event_id: string;
    json: string;
    type_nid?: number;
    status?: number;
  },
): Promise<void> {
  const values = {
    ...{ type_nid: MEMBER, state_key_nid: null, sender_nid: 1, depth: 1, origin_server_ts: 0 },
    ...{ status: EVENT_STATUS.accepted, problem: null },
    ...row,
  };
  await db
    .insertInto('events')
    .values(values as never)
    .execute();
}

async function stateKey({ db }: Database, key: string): Promise<number> {
  const { state_key_nid } = await db
    .insertInto('state_keys')
    .values({ state_key: key })
    .onConflict((conflict) => conflict.column('state_key').doUpdateSet({ state_key: key }))
    .returning('state_key_nid')
    .executeTakeFirstOrThrow();
  return state_key_nid;
}
