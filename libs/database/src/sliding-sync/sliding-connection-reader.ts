import type { DeviceId, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';

/** Whose connection it is: nobody else finds it. */
export interface SlidingConnectionOwner {
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
  readonly connId: string;
}

/** One state of a connection's memory. */
export interface SlidingMemoryKey {
  readonly connectionNid: number;
  readonly serial: number;
}

/** Reads what clients of sliding sync know. */
export class SlidingConnectionReader {
  constructor(private readonly database: Database) {}

  /** The memory of one of the owner's connections, and when that was last used (ms since 1970); undefined when it is gone. */
  async find(
    { userId, deviceId, connId }: SlidingConnectionOwner,
    { connectionNid, serial }: SlidingMemoryKey,
  ): Promise<{ memory: string; usedTs: number } | undefined> {
    return this.database.db
      .selectFrom('sliding_connections as c')
      .innerJoin('sliding_memories as m', 'm.connection_nid', 'c.connection_nid')
      .select(['m.memory', 'c.used_ts as usedTs'])
      .where('c.connection_nid', '=', connectionNid)
      .where('m.serial', '=', serial)
      .where('c.user_id', '=', userId)
      .where(sql<boolean>`c.device_id IS NOT DISTINCT FROM ${deviceId ?? null}`)
      .where('c.conn_id', '=', connId)
      .executeTakeFirst();
  }
}
