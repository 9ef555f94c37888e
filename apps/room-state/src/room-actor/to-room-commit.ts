import { EVENT_STATUS, type EventCommit, type Interner, type RoomCommit } from '@atoll/database';
import { relationOf, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import type { CommitUnit } from './group-commit.js';
import type { PendingEvent, StateEdit } from './pending-event.js';

const VERDICT_STATUS = {
  accepted: EVENT_STATUS.accepted,
  'soft-failed': EVENT_STATUS.softFailed,
  rejected: EVENT_STATUS.rejected,
  outlier: EVENT_STATUS.outlier,
} as const;

/** The rows of a batch. Waits for the signatures of its events. */
export async function toRoomCommit(
  units: readonly CommitUnit[],
  interner: Interner,
  serverName: ServerName,
): Promise<RoomCommit> {
  const fences = new Map<string, { partition: number; epoch: number }>();
  const heads = new Map<number, RoomCommit['heads'][number]>();
  const events: Promise<EventCommit>[] = [];
  for (const { actor, extremities, depth, ...unit } of units) {
    if (unit.events.length === 0) continue;
    fences.set(`${actor.partition},${actor.epoch}`, { partition: actor.partition, epoch: actor.epoch });
    heads.set(actor.roomNid, { roomNid: actor.roomNid, extremities: [...extremities.values()], depth });
    for (const pending of unit.events) {
      events.push(toEventCommit(actor.roomNid, pending, interner, serverName));
    }
  }
  return {
    fences: [...fences.values()],
    newRooms: units.flatMap((unit) => unit.newRoom ?? []),
    events: await Promise.all(events),
    heads: [...heads.values()],
    commandResults: units.flatMap((unit) => unit.commandResult ?? []),
  };
}

async function toEventCommit(
  roomNid: number,
  pending: PendingEvent,
  interner: Interner,
  serverName: ServerName,
): Promise<EventCommit> {
  const { event, edits } = pending;
  const pdu = await pending.signed;
  const hasPlace = pending.inTimeline || pending.beforePosition !== undefined;
  const relation = hasPlace ? relationOf(pdu.content) : undefined;
  return {
    eventNid: event.eventNid,
    eventId: event.eventId,
    roomNid,
    typeNid: pending.typeNid,
    stateKeyNid: pending.stateKeyNid,
    senderNid: pending.senderNid,
    depth: storable(event.pdu.depth),
    originServerTs: storable(event.pdu.origin_server_ts),
    status: VERDICT_STATUS[pending.verdict],
    problem: pending.problem,
    json: JSON.stringify(pdu),
    inTimeline: pending.inTimeline,
    ...changesOf(edits, event.eventNid, serverName),
    ...(pending.seed && { seed: changesOf(pending.seed, event.eventNid, serverName) }),
    ...(pending.beforePosition !== undefined && { beforePosition: pending.beforePosition }),
    ...(pending.missing && { missing: pending.missing }),
    ...(pending.followedByNid !== undefined && { followedByNid: pending.followedByNid }),
    ...(pending.mayBeMissed === true && { mayBeMissed: true }),
    ...(pending.isForwarded === true && { isForwarded: true }),
    ...(pending.strippedState !== undefined && { strippedState: pending.strippedState }),
    ...(pending.state && { state: pending.state }),
    ...(relation && {
      relation: { parentId: relation.parentId, relTypeNid: await interner.relTypeNid(relation.relType) },
    }),
    ...(pending.transaction && { transaction: { userId: pdu.sender, ...pending.transaction } }),
    ...(pending.redactsNid !== undefined && { redactsNid: pending.redactsNid }),
    ...(pending.redactsLater && { redactsLater: pending.redactsLater }),
    ...(pending.reset && { reset: pending.reset }),
  };
}

function changesOf(
  edits: readonly StateEdit[],
  cause: number,
  serverName: ServerName,
): Pick<EventCommit, 'stateChanges' | 'membershipChanges'> {
  return {
    stateChanges: edits.map(({ typeNid, stateKeyNid, eventNid }) => ({ typeNid, stateKeyNid, eventNid })),
    // A membership that a resolution removed has no event of its own.
    membershipChanges: edits.flatMap(({ stateKey, stateKeyNid: userNid, membership, eventNid }) => {
      if (!membership) return [];
      const isRemote = serverNameOf(stateKey as UserId) !== serverName;
      return [{ userNid, isRemote, membership, eventNid: eventNid ?? cause }];
    }),
  };
}

/** The nearest integer that a column gives back as it took it: room versions 1 to 5 have greater ones in their events. */
export function storable(integer: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(integer, Number.MAX_SAFE_INTEGER));
}
