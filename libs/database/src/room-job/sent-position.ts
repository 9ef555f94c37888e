import type { ServerName } from '@atoll/matrix';
import { type Kysely, sql } from 'kysely';
import { serverOf } from '../federation/server-name-sql.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

/**
 * Up to which position the events of a room have reached the other servers, as far as these can be reached: the senders of all
 * partitions have routed them, and everybody who does not fail has acknowledged them. Without other servers, there is no limit.
 * @param partitions of destinations
 */
export async function sentPosition(
  db: Kysely<DatabaseSchema>,
  roomNid: number,
  serverName: ServerName,
  partitions: number,
): Promise<number> {
  // Few rooms have events that are not routed yet: only in those are the members looked at.
  const { rows } = await sql<{ position: number | null }>`
    SELECT least(
      (SELECT min(d.sent_position) FROM destinations d
        JOIN destination_rooms r ON r.destination = d.destination AND r.room_nid = ${roomNid}
        WHERE r.position > d.sent_position AND d.failing_since IS NULL),
      CASE WHEN routed.position >= (SELECT max(position) FROM event_positions WHERE room_nid = ${roomNid}) THEN NULL
        WHEN EXISTS (SELECT FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
          WHERE m.room_nid = ${roomNid} AND ${serverOf('k.state_key')} <> ${serverName}) THEN routed.position END) AS position
    FROM (SELECT CASE WHEN count(*) >= ${partitions}::int THEN min(position) ELSE 0 END AS position FROM sender_cursors) AS routed`.execute(
    db,
  );
  return rows[0]?.position ?? Number.MAX_SAFE_INTEGER;
}
