import type { Config } from '@atoll/config';
import type { ServiceName } from '@atoll/contract';
import { pingDatabase } from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import type { RunningService } from '@atoll/telemetry';
import { openConnections } from './open-connections.js';
import { openLeaseDatabase } from './open-lease-database.js';

/** A service that owns its share of the partitions and does nothing with them yet. */
export async function startPartitionOwner(config: Config, kind: ServiceName): Promise<RunningService> {
  const { database, ...connections } = await openConnections(config, kind);
  const leaseDatabase = openLeaseDatabase(connections);
  const { instance } = connections;
  const leases = new PartitionLeases({
    database: leaseDatabase,
    kind,
    instance,
    partitions: config.partitions,
  });
  await leases.start();
  return {
    name: kind,
    check: () => pingDatabase(database),
    close: async () => {
      await leases.leave();
      await leaseDatabase.close();
      await database.close();
    },
  };
}
