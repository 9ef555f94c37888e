import { Interner, NotOwnerError, OutlierTransactor, RoomActorReader, RoomTransactor } from '@atoll/database';
import { EventsCommitted, partitionOf } from '@atoll/contract';
import { Announcer } from '@atoll/redis-streams';
import { ReceivedPduCheck, ServerKeys } from '@atoll/server-keys';
import { logError } from '@atoll/telemetry';
import { extname } from 'node:path';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { Piscina } from 'piscina';
import { BranchStates } from './accept-pdus/branch-states.js';
import { PduAcceptance } from './accept-pdus/pdu-acceptance.js';
import { PduPlacement } from './accept-pdus/place-pdu.js';
import { EarlierAnswers } from './answers/earlier-answers.js';
import { LocalEventBuilder } from './append-event/local-event-builder.js';
import { ChangeMembershipHandler } from './change-membership/change-membership.handler.js';
import { MembershipChanges } from './change-membership/membership-changes.js';
import { RestrictedJoins } from './change-membership/restricted-joins.js';
import { observeCommit, observeDoubt, observeFailedCommit, observeMemory } from './commit-metrics.js';
import { CreateRoomHandler } from './create-room/create-room.handler.js';
import { OutlierIntake } from './outliers/outlier-intake.js';
import type { Platform } from './platform.js';
import { type ResolutionWorkers, StateResolver } from './resolve/state-resolver.js';
import { EventCache } from './room-actor/event-cache.js';
import { GroupCommit, type GroupCommitObserver } from './room-actor/group-commit.js';
import { RoomCommands } from './room-actor/room-commands.js';
import { type OwnedPartitions, RoomRegistry } from './room-actor/room-registry.js';
import { SendEventHandler } from './send-event/send-event.handler.js';

/** Idle rooms and events that one process keeps in memory. */
const ROOM_BYTES = 64 * 1024 * 1024;
const EVENT_BYTES = 64 * 1024 * 1024;

/** Told that the database refused a commit for a partition. */
export interface Ownership extends OwnedPartitions {
  fencedOut(partition: number): void;
}

/** The only writer of rooms: commands in, events and state out. */
@Module({ controllers: [CreateRoomHandler, SendEventHandler, ChangeMembershipHandler] })
export class RoomStateModule {
  static on(platform: Platform, ownership: Ownership): DynamicModule {
    return { module: RoomStateModule, providers: providers(platform, ownership) };
  }
}

function providers(platform: Platform, ownership: Ownership): Provider[] {
  const { database, instance, signingKey, federation, config } = platform;
  const reader = new RoomActorReader(database);
  const transactor = new RoomTransactor(database, instance);
  const interner = new Interner(database);
  const events = new EventCache(reader, EVENT_BYTES);
  const registry = new RoomRegistry(
    reader,
    events,
    ownership,
    (id) => partitionOf(id, config.partitions),
    ROOM_BYTES,
  );
  const announcer = new Announcer(platform.redis);
  const commits = new GroupCommit(transactor, observer(platform, announcer, ownership, registry, events));
  const rooms = new RoomCommands(registry, commits);
  const builder = new LocalEventBuilder(events, interner, transactor, config.serverName, signingKey);
  const restrictedJoins = new RestrictedJoins(reader, builder, config.serverName);
  const workers: ResolutionWorkers = new Piscina({
    filename: new URL(`./resolve/resolve.worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
  });
  const branches = new BranchStates(reader, events, new StateResolver(events, workers));
  const placement = new PduPlacement(interner, transactor, events, branches);
  const acceptance = new PduAcceptance(rooms, events, branches, placement);
  const checks = new ReceivedPduCheck(
    new ServerKeys({
      serverName: config.serverName,
      ownKey: signingKey,
      database,
      federation,
      notaries: config.trustedKeyServers,
    }),
  );
  const outliers = new OutlierTransactor(database, instance);
  const intake = new OutlierIntake(checks, events, interner, transactor, outliers);
  observeMemory(registry, commits);
  const values = [
    [RoomActorReader, reader],
    [RoomTransactor, transactor],
    [Announcer, announcer],
    [EventCache, events],
    [RoomRegistry, registry],
    [RoomCommands, rooms],
    [EarlierAnswers, new EarlierAnswers(reader)],
    [LocalEventBuilder, builder],
    [MembershipChanges, new MembershipChanges(builder, restrictedJoins)],
    [ReceivedPduCheck, checks],
    [OutlierIntake, intake],
    [PduAcceptance, acceptance],
    [Piscina, workers],
  ] as const;
  return values.map(([provide, useValue]) => ({ provide, useValue }));
}

/** After a commit: tell the readers. After a failed one: forget what was built on it. */
function observer(
  { logger }: Platform,
  announcer: Announcer,
  ownership: Ownership,
  registry: RoomRegistry,
  events: EventCache,
): GroupCommitObserver {
  return {
    committed: (committed) => {
      for (const unit of committed.units) for (const { event } of unit.events) events.committed(event);
      observeCommit(committed, logger);
      const { last, accepted } = committed;
      if (last !== undefined) announcer.publish(EventsCommitted, { from: last - accepted + 1, to: last });
    },
    undone: ({ actor }) => {
      registry.drop(actor);
    },
    failed: (error) => {
      observeFailedCommit(error);
      if (error instanceof NotOwnerError)
        for (const { partition } of error.lost) ownership.fencedOut(partition);
      else logError(logger, error, 'A commit failed; its commands start again or fail with it');
    },
    inDoubt: (error) => {
      observeDoubt();
      logError(logger, error, 'It is not known yet whether a commit happened; no other begins before');
    },
  };
}
export * from './start-room-state.js';
