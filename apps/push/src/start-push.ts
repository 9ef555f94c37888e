import type { Config } from '@atoll/config';
import { EventsCommitted, PartitionsChanged, ReceiptsChanged } from '@atoll/contract';
import {
  CountableEvents,
  CountedStreamReader,
  currentPositions,
  HeldPartitions,
  pingDatabase,
  PushSettingsReader,
  RoomAudienceReader,
  UnreadCounter,
} from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import { Announcer, AnnouncementReader, connectRedis } from '@atoll/redis-streams';
import { openConnections, openLeaseDatabase } from '@atoll/service';
import type { RunningService } from '@atoll/telemetry';
import { EventCounter } from './counting/event-counter.js';
import { PushSettings } from './counting/push-settings.js';
import { ReceiptCounter } from './counting/receipt-counter.js';
import { RoomAudiences } from './counting/room-audiences.js';
import { StreamCounter } from './counting/stream-counter.js';
import { observeCounting } from './push-metrics.js';

const KIND = 'push';

/** Starts the push service in this process: it takes over its share of the rooms, and counts what their users have not read. */
export async function startPush(config: Config): Promise<RunningService> {
  const connections = await openConnections(config, KIND);
  const { database, instance, logger } = connections;
  const { serverName, partitions } = config;
  const heartbeats = openLeaseDatabase(connections);
  const redis = connectRedis(connections.config.redisUrl, instance);
  const announcer = new Announcer(redis);

  const held = new HeldPartitions({
    database,
    kind: KIND,
    instance,
    onFenced: (partition) => {
      leases.fencedOut(partition);
    },
  });
  const members = new RoomAudienceReader(database, serverName);
  const audiences = new RoomAudiences(members, serverName);
  const stream = new CountedStreamReader(database);
  const { account_data } = await currentPositions(database.db);
  const settings = new PushSettings(new PushSettingsReader(database, config), account_data);
  const counter = new StreamCounter({
    database,
    stream,
    events: new EventCounter(new CountableEvents(database), members, audiences, settings),
    receipts: new ReceiptCounter(stream, new UnreadCounter(database, config), serverName),
    audiences,
    held,
    logger,
  });
  const leases: PartitionLeases = new PartitionLeases({
    database: heartbeats,
    kind: KIND,
    instance,
    partitions,
    onAcquired: (partition, epoch) => {
      held.add(partition, epoch);
      counter.follow(partition);
    },
    onLost: (partition) => {
      held.remove(partition);
      void counter.unfollow(partition);
    },
    onReleasing: async (partition) => {
      const epoch = held.epochOf(partition);
      await counter.unfollow(partition);
      // It may have been acquired again by now.
      if (held.epochOf(partition) === epoch) held.remove(partition);
    },
    announceChange: () => {
      announcer.publish(PartitionsChanged, { kind: KIND });
    },
  });
  const hints = new AnnouncementReader(redis, instance, () => {
    leases.hint();
    counter.hint();
  })
    .on(PartitionsChanged, ({ kind }) => {
      if (kind === KIND) leases.hint();
    })
    .on(EventsCommitted, () => {
      counter.hint();
    })
    .on(ReceiptsChanged, () => {
      counter.hint();
    });
  hints.start();
  const stopObserving = observeCounting(() => counter.lagSeconds);
  await leases.start();
  return {
    name: KIND,
    check: () => pingDatabase(database),
    close: async () => {
      stopObserving();
      await hints.stop();
      await leases.leave();
      await counter.stop();
      redis.disconnect();
      await heartbeats.close();
      await database.close();
    },
  };
}
