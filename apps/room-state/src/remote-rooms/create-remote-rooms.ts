import type { Interner, RoomActorReader, RoomTransactor } from '@atoll/database';
import type { ReceivedPduCheck } from '@atoll/server-keys';
import type { Provider } from '@nestjs/common';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import type { MembershipChanges } from '../change-membership/membership-changes.js';
import { RemoteChanges } from '../change-membership/remote-changes.js';
import type { GuestAccess } from '../guest-access/guest-access.js';
import type { OutlierIntake } from '../outliers/outlier-intake.js';
import type { Platform } from '../platform.js';
import type { PolicyQuestions } from '../policy-server/policy-questions.js';
import type { PolicyServers } from '../policy-server/policy-servers.js';
import type { PolicySignatures } from '../policy-server/policy-signatures.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import { JoinAnswers } from './join-answers.js';
import { OwnSignature } from './own-signature.js';
import { RemoteInvites } from './remote-invites.js';
import { RemoteMemberships } from './remote-memberships.js';
import { RoomJoins } from './room-joins.js';
import type { RoomServers } from './room-servers.js';
import { RoomSizeLimit } from './room-size-limit.js';
import { StrippedStates } from './stripped-states.js';
import { UnjoinedRooms } from './unjoined-rooms.js';

/** What rooms of other servers stand on. */
export interface RemoteRoomParts {
  readonly reader: RoomActorReader;
  readonly transactor: RoomTransactor;
  readonly interner: Interner;
  readonly events: EventCache;
  readonly rooms: RoomCommands;
  readonly checks: ReceivedPduCheck;
  readonly intake: OutlierIntake;
  readonly acceptance: PduAcceptance;
  readonly changes: MembershipChanges;
  readonly guests: GuestAccess;
  readonly roomServers: RoomServers;
  readonly own: OwnSignature;
  readonly unjoined: UnjoinedRooms;
  readonly policies: PolicyServers;
  readonly questions: PolicyQuestions;
  readonly policySignatures: PolicySignatures;
}

/** Everything about memberships that takes more than one server, ready to be injected. */
export function remoteRooms(
  { config: { serverName, maxJoinedRoomState }, federation }: Platform,
  parts: RemoteRoomParts,
): Provider[] {
  const { reader, transactor, interner, events, rooms, checks, intake, own, unjoined } = parts;
  const { acceptance, changes, guests, roomServers, policies, questions, policySignatures } = parts;
  const joins = new RoomJoins(reader, transactor, interner, events);
  const remote = new RemoteMemberships(
    own,
    federation,
    checks,
    intake,
    rooms,
    acceptance,
    unjoined,
    joins,
    policySignatures,
    new JoinAnswers(),
    new RoomSizeLimit(federation, maxJoinedRoomState),
    guests,
  );
  const stripped = new StrippedStates(reader);
  const invites = new RemoteInvites(
    own,
    federation,
    checks,
    rooms,
    acceptance,
    changes,
    stripped,
    policies,
    questions,
  );
  const values = [
    [OwnSignature, own],
    [UnjoinedRooms, unjoined],
    [RemoteInvites, invites],
    [RemoteChanges, new RemoteChanges(serverName, rooms, unjoined, remote, roomServers)],
  ] as const;
  return values.map(([provide, useValue]) => ({ provide, useValue }));
}
