import type { Config } from '@atoll/config';
import { PartitionsChanged, PdusStaged } from '@atoll/contract';
import { pingDatabase, RoomTransactor } from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import { Announcer, AnnouncementReader, type PartitionGate, StreamServer } from '@atoll/redis-streams';
import { openLeaseDatabase } from '@atoll/service';
import { NestPinoLogger, type RunningService } from '@atoll/telemetry';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { sweepOldAnswers } from './answers/sweep-old-answers.js';
import { GuestDepartures } from './guest-access/guest-departures.js';
import { openPlatform, type Platform } from './platform.js';
import { RoomRegistry } from './room-actor/room-registry.js';
import { MemberDeparture } from './room-jobs/member-departure.js';
import { RoomJobRunner } from './room-jobs/room-job-runner.js';
import { RoomStateModule } from './room-state.module.js';
import { StagedPdus } from './staged-pdus/staged-pdus.js';

const KIND = 'room-state';
const NONE: ReadonlyMap<number, number> = new Map();

/** Starts room-state in this process: it joins its peers when it can serve, and takes over its share of the rooms. */
export async function startRoomState(config: Config): Promise<RunningService> {
  const platform = await openPlatform(config);
  const heartbeats = openLeaseDatabase(platform);
  const announcer = new Announcer(platform.redis);
  // The rooms ask the leases what they own, the leases tell the rooms what goes: both are there before either is asked.
  const ownership = {
    owned: () => (leases.mayWrite() ? leases.owned() : NONE),
    fencedOut: (partition: number) => {
      leases.fencedOut(partition);
    },
  };
  const gate: PartitionGate = { check: (partition, epoch) => leases.check(partition, epoch) };
  const { redis, instance } = platform;
  const app = await createApp(
    platform,
    ownership,
    new StreamServer({ redis, service: KIND, instance, gate }),
  );
  const rooms = app.get(RoomRegistry);
  const staged = app.get(StagedPdus);
  const jobs = app.get(RoomJobRunner);
  const guests = app.get(GuestDepartures);
  const leases = new PartitionLeases({
    database: heartbeats,
    kind: KIND,
    instance,
    partitions: config.partitions,
    onAcquired: (partition) => {
      rooms.dropPartition(partition);
      staged.sweep();
    },
    onLost: (partition) => {
      rooms.dropPartition(partition);
    },
    onReleasing: async (partition) => {
      await rooms.drainPartition(partition);
      rooms.dropPartition(partition);
    },
    announceChange: () => {
      announcer.publish(PartitionsChanged, { kind: KIND });
    },
  });
  const hints = followHints(platform, leases);
  await app.listen();
  await leases.start();
  staged.start();
  jobs.start();
  guests.start(app.get(MemberDeparture));
  const arrivals = followArrivals(platform, staged);
  const stopSweeping = sweepOldAnswers(app.get(RoomTransactor), platform.logger);
  return {
    name: KIND,
    check: () => pingDatabase(platform.database),
    close: async () => {
      stopSweeping();
      await arrivals.stop();
      await Promise.all([jobs.stop(), guests.stop()]);
      await staged.stop();
      await leases.leave();
      await app.close();
      await hints.stop();
      await heartbeats.close();
      await platform.close();
    },
  };
}

function createApp(
  platform: Platform,
  ownership: Parameters<typeof RoomStateModule.on>[1],
  strategy: StreamServer,
): Promise<INestMicroservice> {
  return NestFactory.createMicroservice<MicroserviceOptions>(RoomStateModule.on(platform, ownership), {
    strategy,
    logger: new NestPinoLogger(platform.logger),
    abortOnError: false,
  });
}

function followHints({ redis, instance }: Platform, leases: PartitionLeases): AnnouncementReader {
  const hints = new AnnouncementReader(redis, `${instance}-leases`, () => {
    leases.hint();
  });
  hints.on(PartitionsChanged, ({ kind }) => {
    if (kind === KIND) leases.hint();
  });
  hints.start();
  return hints;
}

function followArrivals({ redis, instance }: Platform, staged: StagedPdus): AnnouncementReader {
  const arrivals = new AnnouncementReader(redis, `${instance}-staged`, () => {
    staged.sweep();
  });
  arrivals.on(PdusStaged, ({ roomId }) => {
    staged.wake(roomId);
  });
  arrivals.start();
  return arrivals;
}
