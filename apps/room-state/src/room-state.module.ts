import {
  AccountDataReader,
  GuestReader,
  Interner,
  NotOwnerError,
  OutlierTransactor,
  RoomServersReader,
  RoomActorReader,
  RoomBlockReader,
  RoomTransactor,
} from '@atoll/database';
import { EventsCommitted, partitionOf } from '@atoll/contract';
import type { RoomId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { ReceivedPduCheck, ServerKeys } from '@atoll/server-keys';
import { logError } from '@atoll/telemetry';
import { extname } from 'node:path';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { Piscina } from 'piscina';
import { BranchStates } from './accept-pdus/branch-states.js';
import { PduAcceptance } from './accept-pdus/pdu-acceptance.js';
import { PduPlacement } from './accept-pdus/place-pdu.js';
import { RedactionEffects } from './accept-pdus/redaction-effects.js';
import { EarlierAnswers } from './answers/earlier-answers.js';
import { LocalEventBuilder } from './append-event/local-event-builder.js';
import { BackfillRoomHandler } from './backfill/backfill-room.handler.js';
import { ChangeMembershipHandler } from './change-membership/change-membership.handler.js';
import { MembershipChanges } from './change-membership/membership-changes.js';
import { RestrictedJoins } from './change-membership/restricted-joins.js';
import { observeCommit, observeDoubt, observeFailedCommit, observeMemory } from './commit-metrics.js';
import { CreateRoomHandler } from './create-room/create-room.handler.js';
import { ExchangeThirdPartyInviteHandler } from './exchange-third-party-invite/exchange-third-party-invite.handler.js';
import { KeyValidity } from './exchange-third-party-invite/key-validity.js';
import { GuestAccess } from './guest-access/guest-access.js';
import { GuestDepartures } from './guest-access/guest-departures.js';
import { InvitePermissions } from './invite-permission/invite-permissions.js';
import { RequestSlots } from './missing-events/request-slots.js';
import { remoteHistory } from './missing-events/create-remote-history.js';
import { OutlierIntake } from './outliers/outlier-intake.js';
import type { Platform } from './platform.js';
import { PrepareEventHandler } from './prepare-event/prepare-event.handler.js';
import { SendPreparedEventHandler } from './prepare-event/send-prepared-event.handler.js';
import { MakeMembershipHandler } from './make-membership/make-membership.handler.js';
import { ReceiveInviteHandler } from './receive-invite/receive-invite.handler.js';
import { ReceiveMembershipHandler } from './receive-membership/receive-membership.handler.js';
import { LocalEventSending } from './policy-server/local-event-sending.js';
import { PolicyQuestions } from './policy-server/policy-questions.js';
import { PolicyServers } from './policy-server/policy-servers.js';
import { PolicySignatures } from './policy-server/policy-signatures.js';
import { remoteRooms } from './remote-rooms/create-remote-rooms.js';
import { OwnSignature } from './remote-rooms/own-signature.js';
import { RoomServers } from './remote-rooms/room-servers.js';
import { UnjoinedRooms } from './remote-rooms/unjoined-rooms.js';
import { type ResolutionWorkers, StateResolver } from './resolve/state-resolver.js';
import { EventCache } from './room-actor/event-cache.js';
import { GroupCommit, type GroupCommitObserver } from './room-actor/group-commit.js';
import { RoomCommands } from './room-actor/room-commands.js';
import { RoomCommits } from './room-actor/room-commits.js';
import { type OwnedPartitions, RoomRegistry } from './room-actor/room-registry.js';
import { roomJobs } from './room-jobs/create-room-jobs.js';
import { SendEventHandler } from './send-event/send-event.handler.js';

/** Idle rooms and events that one process keeps in memory. */
const ROOM_BYTES = 64 * 1024 * 1024;
const EVENT_BYTES = 64 * 1024 * 1024;
/** Questions to one policy server, which may serve many rooms, and to all of them. */
const POLICY_QUESTIONS = [16, 128] as const;
/** Questions to one identity server, and to all of them. */
const KEY_QUESTIONS = [4, 16] as const;

/** Told that the database refused a commit for a partition. */
export interface Ownership extends OwnedPartitions {
  fencedOut(partition: number): void;
}

/** The only writer of rooms: commands in, events and state out. */
@Module({
  controllers: [
    CreateRoomHandler,
    SendEventHandler,
    PrepareEventHandler,
    SendPreparedEventHandler,
    ChangeMembershipHandler,
    MakeMembershipHandler,
    ReceiveMembershipHandler,
    ReceiveInviteHandler,
    ExchangeThirdPartyInviteHandler,
    BackfillRoomHandler,
  ],
})
export class RoomStateModule {
  static on(platform: Platform, ownership: Ownership): DynamicModule {
    return { module: RoomStateModule, providers: providers(platform, ownership) };
  }
}

function providers(platform: Platform, ownership: Ownership): Provider[] {
  const { database, instance, signingKey, federation, config } = platform;
  const reader = new RoomActorReader(database);
  const servers = new RoomServersReader(database);
  const transactor = new RoomTransactor(database, instance);
  const interner = new Interner(database);
  const events = new EventCache(reader, EVENT_BYTES);
  const registry = new RoomRegistry(
    reader,
    new RoomBlockReader(database),
    events,
    ownership,
    (id) => partitionOf(id, config.partitions),
    ROOM_BYTES,
  );
  const announcer = new Announcer(platform.redis);
  const guestReader = new GuestReader(database);
  const departures = new GuestDepartures(guestReader, registry, platform.logger);
  const observing = observer(platform, announcer, ownership, { registry, events, departures });
  const newCommit = () => new GroupCommit(transactor, interner, config.serverName, observing);
  const commits = new RoomCommits(newCommit(), newCommit());
  const rooms = new RoomCommands(registry, commits);
  const wakeStaged = (roomId: RoomId) => {
    history.staged.wake(roomId);
  };
  const policies = new PolicyServers(events, servers);
  const builder = new LocalEventBuilder(
    events,
    interner,
    transactor,
    config.serverName,
    signingKey,
    policies,
    wakeStaged,
  );
  const restrictedJoins = new RestrictedJoins(reader, servers, builder, config.serverName);
  const workers: ResolutionWorkers = new Piscina({
    filename: new URL(`./resolve/resolve.worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
  });
  const branches = new BranchStates(reader, events, new StateResolver(events, workers));
  const placement = new PduPlacement(interner, transactor, events, branches);
  const redactions = new RedactionEffects(events);
  const own = new OwnSignature(config.serverName, signingKey);
  const outliers = new OutlierTransactor(database, instance);
  const unjoined = new UnjoinedRooms(
    servers,
    registry,
    outliers,
    transactor,
    interner,
    events,
    own,
    wakeStaged,
  );
  const acceptance = new PduAcceptance(rooms, events, branches, placement, unjoined, redactions, policies);
  const questions = new PolicyQuestions(federation, new RequestSlots(...POLICY_QUESTIONS));
  const policySignatures = new PolicySignatures(rooms, policies, questions);
  const sending = new LocalEventSending(rooms, acceptance, questions);
  const checks = new ReceivedPduCheck(
    new ServerKeys({
      serverName: config.serverName,
      ownKey: signingKey,
      database,
      federation,
      notaries: config.trustedKeyServers,
    }),
  );
  const intake = new OutlierIntake(checks, events, interner, transactor, outliers);
  const guests = new GuestAccess(guestReader, reader, events, federation);
  const changes = new MembershipChanges(builder, restrictedJoins, guests);
  const roomServers = new RoomServers(servers, config.serverName);
  const parts = {
    reader,
    servers,
    transactor,
    outliers,
    interner,
    events,
    registry,
    rooms,
    checks,
    intake,
    acceptance,
    policies,
    questions,
    policySignatures,
    sending,
  };
  const history = remoteHistory(platform, { ...parts, branches, redactions, roomServers });
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
    [MembershipChanges, changes],
    [RestrictedJoins, restrictedJoins],
    [ReceivedPduCheck, checks],
    [OutlierIntake, intake],
    [PduAcceptance, acceptance],
    [LocalEventSending, sending],
    [KeyValidity, new KeyValidity(platform.fetchJson, new RequestSlots(...KEY_QUESTIONS))],
    [PolicySignatures, policySignatures],
    [
      InvitePermissions,
      new InvitePermissions(new AccountDataReader(database), config.serverName, config.serverNotices?.userId),
    ],
    [GuestDepartures, departures],
    [Piscina, workers],
  ] as const;
  return [
    ...values.map(([provide, useValue]) => ({ provide, useValue })),
    ...remoteRooms(platform, { ...parts, changes, guests, roomServers, own, unjoined }),
    ...history.providers,
    ...roomJobs(platform, parts),
  ];
}

/** What a commit changes in this process. */
interface Memory {
  readonly registry: RoomRegistry;
  readonly events: EventCache;
  readonly departures: GuestDepartures;
}

/** After a commit: tell the readers. After a failed one: forget what was built on it. */
function observer(
  { logger }: Platform,
  announcer: Announcer,
  ownership: Ownership,
  { registry, events, departures }: Memory,
): GroupCommitObserver {
  return {
    committed: (committed) => {
      for (const unit of committed.units) for (const { event } of unit.events) events.committed(event);
      departures.committed(committed.units);
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
