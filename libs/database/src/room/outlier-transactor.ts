import type { EventId, RoomId } from '@atoll/matrix';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../open-database.js';
import { type Fence, fencePartitions } from '../partition/fence-partitions.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { EventStatus } from '../schema/event.table.js';

/** A state or auth event that another server has shown, without its place in the room. */
export interface OutlierRow {
  readonly eventNid: number;
  readonly eventId: EventId;
  readonly typeNid: number;
  readonly stateKeyNid: number | null;
  readonly senderNid: number;
  readonly depth: number;
  readonly originServerTs: number;
  readonly status: Extract<EventStatus, 3 | 4>;
  readonly problem: string | null;
  readonly json: string;
}

/** Rows of one transaction: the state of a large room must not hold a connection for seconds. */
const ROWS_PER_TRANSACTION = 500;

/**
 * Writes what a room's owner has learnt of it beside its timeline: outliers, and the room itself before this server is in it. Nothing
 * here takes a position, so that it need not wait for the commits of other rooms; every transaction is fenced as those are.
 */
export class OutlierTransactor {
  constructor(
    private readonly database: Database,
    private readonly instance: string,
  ) {}

  /**
   * A room that this server may not be in yet, as it is stored. One of which it has no state takes the version that is now said to be
   * its: who named it first may have lied.
   * @returns undefined for a room that is blocked and not known, of which rows may still be on their way out
   * @throws NotOwnerError
   */
  async ensureRoom(
    room: { roomId: RoomId; version: string },
    fence: Fence,
  ): Promise<{ roomNid: number; version: string } | undefined> {
    return this.fenced(fence, async (trx) => {
      const { rows } = await sql<{ room_nid: number; version: string }>`
        INSERT INTO rooms (room_id, version, partition, created_ts)
        SELECT ${room.roomId}, ${room.version}, ${fence.partition}::int, ${Date.now()}::bigint
        WHERE NOT EXISTS (SELECT FROM room_blocks WHERE room_id = ${room.roomId})
          OR EXISTS (SELECT FROM rooms WHERE room_id = ${room.roomId})
        ON CONFLICT (room_id) DO UPDATE SET version = CASE
          WHEN EXISTS (SELECT FROM room_state s WHERE s.room_nid = rooms.room_nid AND s.type_nid = 2) THEN rooms.version
          ELSE excluded.version END
        RETURNING room_nid, version`.execute(trx);
      const [row] = rows;
      if (!row) return undefined;
      const { room_nid: roomNid, version } = row;
      await trx
        .insertInto('room_heads')
        .values({ room_nid: roomNid, extremities: [], depth: 0 })
        .onConflict((conflict) => conflict.column('room_nid').doNothing())
        .execute();
      return { roomNid, version };
    });
  }

  /**
   * Says that the room is being joined until then, ms since 1970, or no longer: its events are let in from now on, to be taken when the
   * join is done.
   * @throws NotOwnerError
   */
  async markJoining(roomNid: number, until: number | null, fence: Fence): Promise<void> {
    await this.fenced(fence, (trx) =>
      trx.updateTable('rooms').set({ joining_until: until }).where('room_nid', '=', roomNid).execute(),
    );
  }

  /**
   * Stores events that the server does not have yet; those that it has stay as they are. Of a room that was deleted meanwhile it stores
   * none.
   * @throws NotOwnerError what was stored before stays: outliers change nothing by being there
   */
  async insert(roomNid: number, rows: readonly OutlierRow[], fence: Fence): Promise<void> {
    for (let start = 0; start < rows.length; start += ROWS_PER_TRANSACTION) {
      await this.fenced(fence, async (trx) => {
        if (await isThere(trx, roomNid))
          await insertRows(trx, roomNid, rows.slice(start, start + ROWS_PER_TRANSACTION));
      });
    }
  }

  private fenced<T>(fence: Fence, work: (trx: Kysely<DatabaseSchema>) => Promise<T>): Promise<T> {
    return this.database.db.transaction().execute(async (trx) => {
      await fencePartitions(trx, 'room-state', this.instance, [fence]);
      return work(trx);
    });
  }
}

/** It stays there until the transaction ends. */
async function isThere(trx: Kysely<DatabaseSchema>, roomNid: number): Promise<boolean> {
  const room = await trx
    .selectFrom('rooms')
    .select('room_nid')
    .where('room_nid', '=', roomNid)
    .forKeyShare()
    .executeTakeFirst();
  return room !== undefined;
}

async function insertRows(
  trx: Kysely<DatabaseSchema>,
  roomNid: number,
  rows: readonly OutlierRow[],
): Promise<void> {
  await sql`
    INSERT INTO events (room_nid, event_nid, event_id, type_nid, state_key_nid, sender_nid, depth, origin_server_ts, status, problem,
      json)
    SELECT ${roomNid}::bigint, * FROM unnest(
      ${rows.map((row) => row.eventNid)}::bigint[], ${rows.map((row) => row.eventId)}::text[],
      ${rows.map((row) => row.typeNid)}::int[], ${rows.map((row) => row.stateKeyNid)}::bigint[],
      ${rows.map((row) => row.senderNid)}::bigint[], ${rows.map((row) => row.depth)}::bigint[],
      ${rows.map((row) => row.originServerTs)}::bigint[], ${rows.map((row) => row.status)}::smallint[],
      ${rows.map((row) => row.problem)}::text[], ${rows.map((row) => row.json)}::text[])
    ON CONFLICT (event_id) DO NOTHING`.execute(trx);
}
