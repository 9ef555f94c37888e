import type { ServerName } from '@atoll/matrix';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { ABANDONED_AFTER_MS, type CountedFill, FEW, Fill, MAX_WAITING } from './fill.js';
import type { InboxOwner } from './to-device-reader.js';

/** How full the inboxes are, in their order. */
export async function countInboxes(
  transaction: Transaction<DatabaseSchema>,
  owners: readonly InboxOwner[],
): Promise<Fill[]> {
  if (owners.length === 0) return [];
  const { rows } = await sql<CountedFill>`
    SELECT c.*, coalesce(d.inbox_emptied_ts < ${abandonedBefore()}, false) AS "isAbandoned"
    FROM unnest(${owners.map(({ userId }) => userId)}::text[], ${owners.map(({ deviceId }) => deviceId)}::text[])
      WITH ORDINALITY AS n(user_id, device_id, index)
    LEFT JOIN devices d ON d.user_id = n.user_id AND d.device_id = n.device_id
    CROSS JOIN LATERAL (${counted(
      sql`SELECT sender FROM to_device t WHERE t.user_id = n.user_id AND t.device_id = n.device_id`,
      sql`substring(sender FROM position(':' IN sender)) <> substring(n.user_id FROM position(':' IN n.user_id))`,
    )}) AS c ORDER BY n.index`.execute(transaction);
  return rows.map((row) => new Fill(row));
}

/** How much waits for the destinations, in their order. */
export async function countOutboxes(
  transaction: Transaction<DatabaseSchema>,
  destinations: readonly ServerName[],
): Promise<Fill[]> {
  if (destinations.length === 0) return [];
  const { rows } = await sql<CountedFill>`
    SELECT c.*, coalesce(d.failing_since < ${abandonedBefore()}, false) AS "isAbandoned"
    FROM unnest(${destinations}::text[]) WITH ORDINALITY AS n(destination, index)
    LEFT JOIN destinations d ON d.destination = n.destination
    CROSS JOIN LATERAL (${counted(
      sql`SELECT sender FROM outgoing_to_device o WHERE o.destination = n.destination`,
      sql`false`,
    )}) AS c ORDER BY n.index`.execute(transaction);
  return rows.map((row) => new Fill(row));
}

const abandonedBefore = () => Date.now() - ABANDONED_AFTER_MS;

/** One pass over what waits, by an index that has the senders. */
function counted(senders: RawBuilder<unknown>, isOfOtherServer: RawBuilder<unknown>) {
  return sql`
    SELECT coalesce(sum(count), 0)::int AS total,
      coalesce(sum(count) FILTER (WHERE ${isOfOtherServer}), 0)::int AS "ofOtherServers",
      coalesce(json_object_agg(sender, count) FILTER (WHERE count >= ${FEW}), '{}') AS "bySender"
    FROM (SELECT sender, count(*) AS count FROM (${senders} LIMIT ${MAX_WAITING}) AS waiting GROUP BY sender) AS s`;
}
