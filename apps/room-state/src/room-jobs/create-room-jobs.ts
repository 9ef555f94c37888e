import {
  HistoryPurgeTransactor,
  RoomBlockReader,
  RoomDeletionReader,
  RoomDeletionTransactor,
  RoomJobReader,
  RoomJobTransactor,
} from '@atoll/database';
import type { Provider } from '@nestjs/common';
import { EarlierAnswers } from '../answers/earlier-answers.js';
import { ChangeMembershipHandler } from '../change-membership/change-membership.handler.js';
import { MembershipChanges } from '../change-membership/membership-changes.js';
import { RemoteChanges } from '../change-membership/remote-changes.js';
import { InvitePermissions } from '../invite-permission/invite-permissions.js';
import type { Platform } from '../platform.js';
import { LocalEventSending } from '../policy-server/local-event-sending.js';
import { RemoteInvites } from '../remote-rooms/remote-invites.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import { DeleteRoomJob } from './delete-room.job.js';
import { DrainedTurns } from './drained-turns.js';
import { MemberDeparture } from './member-departure.js';
import { PurgeHistoryJob } from './purge-history.job.js';
import { RoomBlocks } from './room-blocks.js';
import { RoomJobRunner } from './room-job-runner.js';

interface RoomJobParts {
  readonly events: EventCache;
  readonly registry: RoomRegistry;
  readonly rooms: RoomCommands;
}

/** Deletion of rooms and purges of their history, ready to be started. */
export function roomJobs(
  { database, instance, config: { serverName, partitions }, logger }: Platform,
  { events, registry, rooms }: RoomJobParts,
): Provider[] {
  const reader = new RoomJobReader(database);
  const jobs = new RoomJobTransactor(database, instance);
  const turns = new DrainedTurns(rooms, registry);
  const purge = new PurgeHistoryJob(turns, events, new HistoryPurgeTransactor(jobs, serverName, partitions));
  const runner = (departure: MemberDeparture) => {
    const deletion = new DeleteRoomJob(
      turns,
      departure,
      jobs,
      new RoomDeletionReader(database, serverName, partitions),
      new RoomDeletionTransactor(jobs),
    );
    return new RoomJobRunner(registry, reader, jobs, deletion, purge, logger);
  };
  return [
    { provide: RoomBlocks, useValue: new RoomBlocks(new RoomBlockReader(database)) },
    {
      provide: MemberDeparture,
      useFactory: (...parts: ConstructorParameters<typeof ChangeMembershipHandler>) =>
        new MemberDeparture(new ChangeMembershipHandler(...parts)),
      inject: [
        LocalEventSending,
        EarlierAnswers,
        MembershipChanges,
        RemoteChanges,
        RemoteInvites,
        InvitePermissions,
        RoomBlocks,
      ],
    },
    { provide: RoomJobRunner, useFactory: runner, inject: [MemberDeparture] },
  ];
}
