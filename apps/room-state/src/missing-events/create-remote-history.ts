import {
  ClaimedStateReader,
  type Interner,
  type RoomActorReader,
  StagedPduReader,
  StagedPduTransactor,
} from '@atoll/database';
import type { ReceivedPduCheck } from '@atoll/server-keys';
import type { Provider } from '@nestjs/common';
import type { BranchStates } from '../accept-pdus/branch-states.js';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import type { RedactionEffects } from '../accept-pdus/redaction-effects.js';
import { HistoryPlacement } from '../backfill/history-placement.js';
import { HistoryQuestions } from '../backfill/history-questions.js';
import { ExtremityMerge } from '../extremities/extremity-merge.js';
import type { OutlierIntake } from '../outliers/outlier-intake.js';
import type { Platform } from '../platform.js';
import type { LocalEventSending } from '../policy-server/local-event-sending.js';
import type { PolicyServers } from '../policy-server/policy-servers.js';
import type { PolicySignatures } from '../policy-server/policy-signatures.js';
import type { RoomServers } from '../remote-rooms/room-servers.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import { RoomDrain } from '../staged-pdus/room-drain.js';
import { StagedPdus } from '../staged-pdus/staged-pdus.js';
import { EarlierEvents } from './earlier-events.js';
import { GapStates } from './gap-states.js';
import { MissingAuth } from './missing-auth.js';
import { MissingEvents } from './missing-events.js';
import { RequestSlots } from './request-slots.js';
import { RoomQueries } from './room-queries.js';

/** What taking events of other servers stands on. */
export interface RemoteHistoryParts {
  readonly reader: RoomActorReader;
  readonly events: EventCache;
  readonly registry: RoomRegistry;
  readonly rooms: RoomCommands;
  readonly checks: ReceivedPduCheck;
  readonly intake: OutlierIntake;
  readonly acceptance: PduAcceptance;
  readonly interner: Interner;
  readonly branches: BranchStates;
  readonly redactions: RedactionEffects;
  readonly roomServers: RoomServers;
  readonly policies: PolicyServers;
  readonly policySignatures: PolicySignatures;
  readonly sending: LocalEventSending;
}

/** The parts that take events of other servers, and ask for those that are missing. */
export function remoteHistory(
  { database, federation, logger, config, signingKey }: Platform,
  parts: RemoteHistoryParts,
): { readonly staged: StagedPdus; readonly providers: Provider[] } {
  const { reader, events, registry, rooms, checks, intake, acceptance, branches, roomServers } = parts;
  const { policies, policySignatures, sending } = parts;
  const queries = new RoomQueries(federation, new RequestSlots());
  const stagedReader = new StagedPduReader(database);
  const claimed = new ClaimedStateReader(database);
  const gaps = new GapStates(queries, intake, claimed);
  const auth = new MissingAuth(queries, intake);
  const earlier = new EarlierEvents(queries, checks, events, stagedReader, claimed);
  const missing = new MissingEvents(rooms, acceptance, roomServers, earlier, gaps, auth, policySignatures);
  const stagedTransactor = new StagedPduTransactor(database);
  const drain = new RoomDrain(
    rooms,
    acceptance,
    missing,
    events,
    stagedReader,
    stagedTransactor,
    policySignatures,
    logger,
  );
  const merge = new ExtremityMerge(
    rooms,
    acceptance,
    branches,
    events,
    reader,
    config.serverName,
    signingKey,
    policies,
    sending,
  );
  const staged = new StagedPdus(registry, stagedReader, drain, merge, logger);
  const questions = new HistoryQuestions(queries, checks, claimed, roomServers, events, intake, gaps, auth);
  const placement = new HistoryPlacement(reader, parts.interner, events, branches, parts.redactions);
  const values = [
    [StagedPdus, staged],
    [HistoryQuestions, questions],
    [HistoryPlacement, placement],
  ] as const;
  return { staged, providers: values.map(([provide, useValue]) => ({ provide, useValue })) };
}
