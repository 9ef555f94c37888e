import { type RoomJob, RoomJobReader, RoomReader } from '@atoll/database';
import type { SigningKey } from '@atoll/event-crypto';
import type { JsonObject, Pdu, RoomId } from '@atoll/matrix';
import { contentHash, eventIdOf, type RoomVersionRules, rulesOf, signEvent } from '@atoll/room-rules';
import { Test } from '@nestjs/testing';
import { HS2 } from '../remote-server.spec-support.js';
import { RoomStateModule } from '../room-state.module.js';
import type { TestRoomState } from '../test-room-state.spec-support.js';
import { RoomJobRunner } from './room-job-runner.js';

const LIMIT_MS = 30_000;

export async function roomOf({ database }: TestRoomState, roomId: RoomId) {
  const room = await new RoomReader(database).byId(roomId);
  if (!room) throw new Error(`${roomId} is not known`);
  return room;
}

/** Has a job done as far as this instance can. */
export async function runUntil(
  { database }: Pick<TestRoomState, 'database'>,
  runner: RoomJobRunner,
  jobId: number,
  isThere: (job: RoomJob) => boolean = ({ finishedTs }) => finishedTs !== null,
): Promise<RoomJob> {
  const reader = new RoomJobReader(database);
  for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline;) {
    await runner.look();
    const job = await reader.byId(jobId);
    if (job && isThere(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`job ${jobId} did not come there: ${JSON.stringify(await reader.byId(jobId))}`);
}

/** Another process, as far as the database can tell; it owns what it is given. */
export async function anotherInstance(
  { platform }: TestRoomState,
  instance: string,
  owned: ReadonlyMap<number, number>,
) {
  const ownership = { owned: () => owned, fencedOut: () => undefined };
  const module = await Test.createTestingModule({
    imports: [RoomStateModule.on({ ...platform, instance }, ownership)],
  }).compile();
  return { module, runner: module.get(RoomJobRunner) };
}

/** What is left of a room, by table: rows that name it, and rows that name an event which is not stored. */
export async function remains({ database }: TestRoomState, roomNid: number): Promise<Record<string, number>> {
  const { rows: columns } = await database.pool.query<{ table: string; column: string }>(
    `SELECT c.table_name AS table, c.column_name AS column FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
       AND c.column_name IN ('room_nid', 'event_nid', 'redacted_event_nid', 'redaction_event_nid')
       AND c.table_name NOT IN ('events', 'room_jobs')
     UNION SELECT 'events', 'room_nid'`,
  );
  const found: Record<string, number> = {};
  for (const { table, column } of columns) {
    const ofRoom = column === 'room_nid';
    const condition = ofRoom
      ? `room_nid = ${roomNid}`
      : `${column} IS NOT NULL AND ${column} NOT IN (SELECT event_nid FROM events)`;
    const { rows } = await database.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table} WHERE ${condition}`,
    );
    const count = rows[0]?.count ?? 0;
    if (count > 0) found[`${table}.${column}`] = count;
  }
  return found;
}

/** A member event of another server, hashed and signed. */
export async function signInviteOf(draft: JsonObject, version: string, key: SigningKey) {
  const rules = rulesOf(version) as RoomVersionRules;
  const unsigned = { ...draft, hashes: { sha256: '' }, signatures: {} } as unknown as Pdu;
  const hashed = { ...unsigned, hashes: { sha256: contentHash(unsigned, rules) } };
  const signed = await signEvent(hashed, rules, HS2, key);
  return { signed, eventId: eventIdOf(signed, rules) };
}
