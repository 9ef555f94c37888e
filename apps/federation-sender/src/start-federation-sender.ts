import type { Config } from '@atoll/config';
import {
  DestinationReachable,
  DeviceListsChanged,
  EventsCommitted,
  PartitionsChanged,
  PresenceChanged,
  ReceiptsChanged,
  ToDeviceChanged,
  TypingChanged,
} from '@atoll/contract';
import {
  currentPositions,
  DestinationReader,
  DeviceKeyReader,
  EventTextReader,
  IndexProgressReader,
  MissedEventsReader,
  OutgoingDeviceReader,
  OutgoingEphemeralReader,
  OutgoingEventReader,
  OutgoingPresenceReader,
  OutgoingToDeviceReader,
  pingDatabase,
  PresenceReader,
} from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import { Announcer, AnnouncementReader, connectRedis } from '@atoll/redis-streams';
import { loadSigningKey, openConnections, openFederationClient, openLeaseDatabase } from '@atoll/service';
import type { RunningService } from '@atoll/telemetry';
import { DeviceListEdus } from './device-lists/device-list-edus.js';
import { DeviceListRouter } from './device-lists/device-list-router.js';
import { SharingServers } from './device-lists/sharing-servers.js';
import { EphemeralRouter } from './ephemeral/ephemeral-router.js';
import { PresenceNews } from './ephemeral/presence-news.js';
import { KIND, OwnedPartitions } from './owned-partitions.js';
import { destinationPartitions } from './routing/destination-partitions.js';
import { StreamRouter } from './routing/stream-router.js';
import { observeSender } from './sender-metrics.js';
import { DestinationPool } from './sending/destination-pool.js';
import { PduCache } from './sending/pdu-cache.js';
import { ProgressWriter } from './sending/progress-writer.js';
import { TransactionSender } from './sending/transaction-sender.js';
import { ToDeviceRouter } from './to-device/to-device-router.js';

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

  const partitionOf = destinationPartitions(partitions);
  const owned = new OwnedPartitions(database, instance, (partition) => {
    leases.fencedOut(partition);
  });
  const destinations = new DestinationReader(database);
  const outgoing = new OutgoingToDeviceReader(database);
  const pdus = new PduCache(new EventTextReader(database));
  const events = new OutgoingEventReader(database);
  const presenceChanges = new OutgoingPresenceReader(database);
  const devices = new OutgoingDeviceReader(database);
  const progress = new IndexProgressReader(database);
  const sharing = new SharingServers(presenceChanges, progress, {
    allServersIn: (roomNid, notBefore) => router.allServersIn(roomNid, notBefore),
    usersIn: (roomNid, server, notBefore) => router.usersIn(roomNid, server, notBefore),
  });
  const sender = new TransactionSender({
    serverName,
    federation,
    missed: new MissedEventsReader(database, serverName),
    toDevice: outgoing,
    pdus,
    deviceLists: new DeviceListEdus(devices, new DeviceKeyReader(database), sharing),
    progress: new ProgressWriter(owned),
  });
  const pool = new DestinationPool({
    destinations,
    owned,
    sender,
    logger,
    partitionOf,
  });
  const serversIn = (roomNid: number) => router.serversIn(roomNid);
  const presence = config.presence
    ? new PresenceNews({
        changes: presenceChanges,
        presence: new PresenceReader(database),
        serverName,
        serversIn,
        send: (names, notices) => pool.notify(names, notices),
      })
    : undefined;
  const router: StreamRouter = new StreamRouter({
    events,
    destinations,
    owned,
    serverName,
    partitionOf,
    logger,
    onRouted: (routes, rows) => {
      pool.add(routes, rows);
    },
    onChanges: (changes) => {
      if (presence?.noteJoins(changes)) ephemeral.hint();
    },
  });
  const ephemeral = new EphemeralRouter({
    reader: new OutgoingEphemeralReader(database),
    serverName,
    logger,
    presence,
    serversIn,
    send: (names, notices) => pool.notify(names, notices),
  });
  const deviceLists = new DeviceListRouter({
    reader: devices,
    events,
    progress,
    sharing,
    owned,
    serverName,
    partitionOf,
    logger,
    onRouted: (names) => pool.tellOfDeviceLists(names),
  });
  const toDevice = new ToDeviceRouter({
    outgoing,
    logger,
    tell: (names) => pool.tellOfToDevice(names),
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
    ephemeral.hint();
    deviceLists.hint();
    toDevice.hint();
  })
    .on(PartitionsChanged, ({ kind }) => {
      if (kind === KIND) leases.hint();
    })
    .on(EventsCommitted, () => {
      router.hint();
    })
    .on(ReceiptsChanged, () => {
      ephemeral.hint();
    })
    .on(TypingChanged, () => {
      ephemeral.hint();
    })
    .on(PresenceChanged, () => {
      ephemeral.hint();
    })
    .on(DeviceListsChanged, () => {
      deviceLists.hint();
    })
    .on(ToDeviceChanged, () => {
      toDevice.hint();
    })
    .on(DestinationReachable, ({ destination }) => pool.wake(destination));
  hints.start();
  const stopObserving = observeSender({
    failing: () => destinations.countFailing(owned.all()),
    lagSeconds: () => pool.lagSeconds,
    inFlight: () => pool.inFlight,
    toDeviceWaiting: () => outgoing.count(owned.all()),
  });
  ephemeral.start(await currentPositions(database.db));
  await toDevice.start();
  await leases.start();
  return {
    name: KIND,
    check: () => pingDatabase(database),
    close: async () => {
      stopObserving();
      await hints.stop();
      await leases.leave();
      await router.stop();
      await deviceLists.stop();
      await ephemeral.stop();
      await toDevice.stop();
      // Ends what is still under way, which nobody may acknowledge any more.
      await closeFederation(0);
      await pool.stop();
      redis.disconnect();
      await heartbeats.close();
      await database.close();
    },
  };
}
