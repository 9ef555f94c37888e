import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

type Trx = Transaction<DatabaseSchema>;

/** Changes of one user that are kept although the same device has changed since, or is gone. */
const KEPT = 100;

/** What the user alone has signed of the key with this id. */
const ownSignatures = (userId: string, keyId: string) => sql`(
  SELECT string_agg(s.signer_key_id || ' ' || s.signature, ',' ORDER BY s.signer_key_id) FROM key_signatures s
  WHERE s.target_user_id = ${sql.ref(userId)} AND s.signer_user_id = ${sql.ref(userId)} AND s.target_key_id = ${sql.ref(keyId)})`;

/**
 * Finds out which devices of local users are not what the log last said of them, and adds them to it without a position. The users' rows
 * of `device_lists` must be locked: stream ids are counted.
 */
export async function logDeviceChanges(trx: Trx, userIds: readonly UserId[]): Promise<void> {
  await sql`
    WITH present AS (
      SELECT d.user_id, d.device_id,
        md5(row(d.display_name, k.keys, ${ownSignatures('d.user_id', 'd.device_id')})::text) AS fingerprint
      FROM devices d LEFT JOIN device_keys k ON k.user_id = d.user_id AND k.device_id = d.device_id
      WHERE d.user_id = ${anyOf(userIds)}
      UNION ALL
      SELECT c.user_id, '', md5(string_agg(
        row(c.usage, c.key, ${ownSignatures('c.user_id', 'c.public_key')})::text, ',' ORDER BY c.usage))
      FROM cross_signing_keys c
      WHERE c.user_id = ${anyOf(userIds)} AND c.usage <> 'user_signing' GROUP BY c.user_id),
    logged AS (
      SELECT DISTINCT ON (user_id, device_id) user_id, device_id, fingerprint FROM device_changes
      WHERE user_id = ${anyOf(userIds)} ORDER BY user_id, device_id, stream_id DESC),
    newest AS (
      SELECT user_id, max(stream_id) AS any_change, max(stream_id) FILTER (WHERE device_id <> '') AS of_device
      FROM device_changes WHERE user_id = ${anyOf(userIds)} GROUP BY user_id),
    changed AS (
      SELECT user_id, device_id, p.fingerprint, coalesce(n.any_change, 0)
        + row_number() OVER (PARTITION BY user_id ORDER BY device_id) AS stream_id, n.of_device
      FROM present p FULL JOIN logged l USING (user_id, device_id) LEFT JOIN newest n USING (user_id)
      WHERE p.fingerprint IS DISTINCT FROM l.fingerprint)
    INSERT INTO device_changes (user_id, stream_id, device_id, fingerprint, prev_id, position)
    SELECT user_id, stream_id, device_id, fingerprint, CASE WHEN device_id <> '' THEN
        coalesce(lag(stream_id) OVER (PARTITION BY user_id, device_id <> '' ORDER BY stream_id), of_device) END, 0
    FROM changed`.execute(trx);
  await sql`
    DELETE FROM device_changes c USING (
      SELECT user_id, max(stream_id) AS newest, max(stream_id) FILTER (WHERE device_id <> '') AS of_device
      FROM device_changes WHERE user_id = ${anyOf(userIds)} GROUP BY user_id) AS u
    WHERE c.user_id = u.user_id AND c.stream_id <= u.newest - ${KEPT} AND c.stream_id IS DISTINCT FROM u.of_device
      AND (c.fingerprint IS NULL OR EXISTS (
        SELECT FROM device_changes l
        WHERE l.user_id = c.user_id AND l.device_id = c.device_id AND l.stream_id > c.stream_id))`.execute(
    trx,
  );
}

/** Gives what this transaction added to the log its position; for the closing statements. */
export function placeDeviceChanges(trx: Trx, userIds: readonly UserId[], positions: TakenPositions) {
  return trx
    .updateTable('device_changes')
    .set({ position: positions.sql(0) })
    .where('position', '=', 0)
    .where('user_id', 'in', userIds);
}
