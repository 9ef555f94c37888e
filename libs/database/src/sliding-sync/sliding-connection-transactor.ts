import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { SlidingConnectionOwner, SlidingMemoryKey } from './sliding-connection-reader.js';

/** Of one device; the least recently used make room. */
const MAX_CONNECTIONS = 10;
/** Of anybody, taken away with each new connection. */
const EXPIRED_AT_ONCE = 100;
/** Answers to the same request whose memories are kept: a client that goes away and asks again has one of the newest. */
const KEPT_ANSWERS = 3;

/** Writes what clients of sliding sync know. */
export class SlidingConnectionTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * A new connection, which takes the place of the one with the same id. One device opens one at a time.
   * @returns undefined when there is no such device any more
   */
  async open(
    { userId, deviceId = null, connId }: NullableOwner,
    memory: string,
    nowTs: number,
  ): Promise<SlidingMemoryKey | undefined> {
    if (deviceId !== null) {
      const device = await this.transaction
        .selectFrom('devices')
        .select('device_id')
        .where('user_id', '=', userId)
        .where('device_id', '=', deviceId)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (device === undefined) return undefined;
    }
    const ofDevice = this.transaction
      .selectFrom('sliding_connections')
      .select('connection_nid')
      .where('user_id', '=', userId)
      .where(sql<boolean>`device_id IS NOT DISTINCT FROM ${deviceId}`);
    await this.transaction
      .deleteFrom('sliding_connections')
      .where((where) =>
        where.or([
          where('connection_nid', 'in', ofDevice.where('conn_id', '=', connId)),
          where('connection_nid', 'in', ofDevice.orderBy('used_ts', 'desc').offset(MAX_CONNECTIONS - 1)),
        ]),
      )
      .execute();
    const { connection_nid } = await this.transaction
      .insertInto('sliding_connections')
      .values({ user_id: userId, device_id: deviceId, conn_id: connId, serial: 1, used_ts: nowTs })
      .returning('connection_nid')
      .executeTakeFirstOrThrow();
    await this.transaction
      .insertInto('sliding_memories')
      .values({ connection_nid, serial: 1, memory })
      .execute();
    return { connectionNid: connection_nid, serial: 1 };
  }

  /**
   * Adds what the client knows with the answer to a request that came with the memory `base`. Older ones go: the client has
   * acknowledged the base; so do all but the newest of other answers to the same request.
   * @returns undefined when the base is gone
   */
  async advance(
    { connectionNid, serial }: SlidingMemoryKey,
    memory: string,
    nowTs: number,
  ): Promise<SlidingMemoryKey | undefined> {
    const { rows } = await sql<{ serial: number }>`
      WITH moved AS (
        UPDATE sliding_connections SET serial = serial + 1, used_ts = ${nowTs}
        WHERE connection_nid = ${connectionNid}
          AND EXISTS (SELECT FROM sliding_memories WHERE connection_nid = ${connectionNid} AND serial = ${serial})
        RETURNING serial),
      dropped AS (
        DELETE FROM sliding_memories WHERE connection_nid = ${connectionNid} AND serial <> ${serial}
          AND (serial < ${serial} OR serial <= (SELECT serial FROM moved) - ${KEPT_ANSWERS}))
      INSERT INTO sliding_memories (connection_nid, serial, memory)
        SELECT ${connectionNid}, serial, ${memory} FROM moved RETURNING serial`.execute(this.transaction);
    const [row] = rows;
    return row && { connectionNid, serial: row.serial };
  }

  async markUsed(connectionNid: number, nowTs: number): Promise<void> {
    await this.transaction
      .updateTable('sliding_connections')
      .set({ used_ts: nowTs })
      .where('connection_nid', '=', connectionNid)
      .execute();
  }

  /** Some of the connections, of anybody, that were not used since. */
  async deleteUnused(sinceTs: number): Promise<void> {
    await this.transaction
      .deleteFrom('sliding_connections')
      .where('connection_nid', 'in', (eb) =>
        eb
          .selectFrom('sliding_connections')
          .select('connection_nid')
          .where('used_ts', '<', sinceTs)
          .orderBy('used_ts')
          .limit(EXPIRED_AT_ONCE)
          .forUpdate()
          .skipLocked(),
      )
      .execute();
  }
}

type NullableOwner = Omit<SlidingConnectionOwner, 'deviceId'> & {
  readonly deviceId?: SlidingConnectionOwner['deviceId'] | null;
};
