import type { UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { StreamName } from '../stream-registry.js';

/** A new row of a stream, and whom it concerns: those joined to its room, one user, or both. */
export interface StreamChange {
  readonly position: number;
  readonly roomNid: number | null;
  readonly userId: UserId | null;
}

type ChangesQuery = (after: number, limit: number) => RawBuilder<StreamChange>;

/** A member whose state changed is told also when not joined: by an invite, a ban, a rejected knock. */
const CHANGES: Readonly<Record<StreamName, ChangesQuery>> = {
  events: (after, limit) => sql`
    SELECT p.position, p.room_nid AS "roomNid", k.state_key AS "userId"
    FROM (SELECT position, room_nid FROM event_positions WHERE position > ${after} ORDER BY position LIMIT ${limit}) AS p
    LEFT JOIN room_state s ON s.room_nid = p.room_nid AND s.from_position = p.position AND s.type_nid = 1
    LEFT JOIN state_keys k ON k.state_key_nid = s.state_key_nid
    ORDER BY p.position`,
  account_data: (after, limit) => sql`
    SELECT position, NULL AS "roomNid", user_id AS "userId" FROM account_data
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`,
};

/** Reads on in any durable stream. */
export class StreamChangesReader {
  constructor(private readonly database: Database) {}

  /** The next rows of a stream after a position, in order: those of at most `limit` positions. */
  async after(stream: StreamName, position: number, limit: number): Promise<StreamChange[]> {
    const { rows } = await this.query(stream, position, limit).execute(this.database.db);
    return rows;
  }

  /** @internal For the test that looks at its plan. */
  query(stream: StreamName, position: number, limit: number): RawBuilder<StreamChange> {
    return CHANGES[stream](position, limit);
  }
}
