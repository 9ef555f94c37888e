import type { Config } from '@atoll/config';
import { DestinationReachable, EventsCommitted, PartitionsChanged } from '@atoll/contract';
import {
  DestinationReader,
  EventTextReader,
  MissedEventsReader,
  OutgoingEventReader,
  pingDatabase,
} from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import { Announcer, AnnouncementReader, connectRedis } from '@atoll/redis-streams';
import { loadSigningKey, openConnections, openFederationClient, openLeaseDatabase } from '@atoll/service';
import type { RunningService } from '@atoll/telemetry';
import { KIND, OwnedPartitions } from './owned-partitions.js';
import { StreamRouter } from './routing/stream-router.js';
import { observeSender } from './sender-metrics.js';
import { DestinationPool } from './sending/destination-pool.js';
import { PduCache } from './sending/pdu-cache.js';
import { ProgressWriter } from './sending/progress-writer.js';
import { TransactionSender } from './sending/transaction-sender.js';

/**
 * Servers to which connections are kept. With fewer than a large room has, each would be gone before its next turn; each takes a file
 * descriptor and some 50 KB.
 */
const MAX_ORIGINS = 4_096;

/** Starts the federation sender in this process: it takes over its share of the destinations, and sends them what they are owed. */
export async function startFederationSender(config: Config): Promise<RunningService> {
  const connections = await openConnections(config, KIND);
  const { database, instance, logger } = connections;
  const { serverName, partitions } = config;
  const heartbeats = openLeaseDatabase(connections);
  const { federation, close: closeFederation } = await openFederationClient(
    config,
    await loadSigningKey(config),
    { maxOrigins: MAX_ORIGINS },
  );
  const redis = connectRedis(connections.config.redisUrl, instance);
  const announcer = new Announcer(redis);

  const owned = new OwnedPartitions(database, instance, (partition) => {
    leases.fencedOut(partition);
  });
  const destinations = new DestinationReader(database);
  const pdus = new PduCache(new EventTextReader(database));
  const sender = new TransactionSender({
    serverName,
    federation,
    missed: new MissedEventsReader(database, serverName),
    pdus,
    progress: new ProgressWriter(owned),
  });
  const pool = new DestinationPool({ destinations, owned, sender, logger });
  const router = new StreamRouter({
    events: new OutgoingEventReader(database),
    destinations,
    owned,
    serverName,
    partitions,
    logger,
    onRouted: (routes, rows) => {
      pool.add(routes, rows);
    },
  });
  const leases = new PartitionLeases({
    database: heartbeats,
    kind: KIND,
    instance,
    partitions,
    onAcquired: (partition, epoch) => {
      owned.add(partition, epoch);
      router.follow(partition);
      pool.lookAtAll();
    },
    onLost: (partition) => {
      owned.remove(partition);
      router.unfollow(partition);
      pool.drop(partition);
    },
    onReleasing: async (partition) => {
      router.unfollow(partition);
      await owned.drain(partition, pool.drain(partition));
    },
    announceChange: () => {
      announcer.publish(PartitionsChanged, { kind: KIND });
    },
  });
  const hints = new AnnouncementReader(redis, instance, () => {
    leases.hint();
    router.hint();
  })
    .on(PartitionsChanged, ({ kind }) => {
      if (kind === KIND) leases.hint();
    })
    .on(EventsCommitted, () => {
      router.hint();
    })
    .on(DestinationReachable, ({ destination }) => pool.wake(destination));
  hints.start();
  const stopObserving = observeSender({
    failing: () => destinations.countFailing(owned.all()),
    lagSeconds: () => pool.lagSeconds,
    inFlight: () => pool.inFlight,
  });
  await leases.start();
  return {
    name: KIND,
    check: () => pingDatabase(database),
    close: async () => {
      stopObserving();
      await hints.stop();
      await leases.leave();
      await router.stop();
      // Ends what is still under way, which nobody may acknowledge any more.
      await closeFederation(0);
      await pool.stop();
      redis.disconnect();
      await heartbeats.close();
      await database.close();
    },
  };
}
