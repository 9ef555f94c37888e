import type { DeviceId, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/**
 * Keeps devices from being deleted until the transaction ends. In the order in which deletions lock them, so that no two transactions wait
 * for each other; whoever holds them too does not wait.
 * @returns those that there are
 */
export async function holdDevices<Device extends { readonly userId: UserId; readonly deviceId: DeviceId }>(
  transaction: Transaction<DatabaseSchema>,
  devices: readonly Device[],
): Promise<Device[]> {
  if (devices.length === 0) return [];
  const { rows } = await sql<{ userId: UserId; deviceId: DeviceId }>`
    SELECT d.user_id AS "userId", d.device_id AS "deviceId" FROM devices d
    WHERE (d.user_id, d.device_id) IN (SELECT * FROM unnest(
      ${devices.map(({ userId }) => userId)}::text[], ${devices.map(({ deviceId }) => deviceId)}::text[]))
    ORDER BY d.user_id, d.device_id FOR KEY SHARE OF d`.execute(transaction);
  const held = new Set(rows.map(keyOf));
  return devices.filter((device) => held.has(keyOf(device)));
}

const keyOf = ({ userId, deviceId }: { readonly userId: UserId; readonly deviceId: DeviceId }) =>
  JSON.stringify([userId, deviceId]);
