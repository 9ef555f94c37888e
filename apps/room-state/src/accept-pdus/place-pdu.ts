import type { Interner, RoomTransactor, StateOverride, StateResetChange } from '@atoll/database';
import { type EventId, prevEventIds } from '@atoll/matrix';
import { referenceTo, splitStateKey, type StateKey, type StateMap } from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import { membershipIn } from '../append-event/local-event-builder.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { CommitUnit } from '../room-actor/group-commit.js';
import type { KnownEvent, PendingEvent, StateEdit } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { type BranchStates, differenceFromNow, ownChange, withEvent } from './branch-states.js';
import type { RedactionEffect } from './redaction-effects.js';

/** Keys whose silent change is a state reset worth keeping for `ctl`. */
const RESET_TYPES = ['m.room.member', 'm.room.power_levels'];

/** What the checks found out about an event, and all that placing it needs. */
export interface Judged extends ReceivedEvent {
  /** The number that it has as an outlier. */
  readonly eventNid?: number;
  /** Its predecessors that this server has and those that it has not. */
  readonly prev: readonly KnownEvent[];
  readonly missing: readonly EventId[];
  readonly isForwarded?: boolean;
  readonly transaction?: PendingEvent['transaction'] | undefined;
  /** State before the event. */
  readonly before: StateMap;
  readonly verdict: Exclude<PendingEvent['verdict'], 'outlier'>;
  readonly problem: string | null;
}

/** Puts a judged event into the room: its stored branch state, the new extremities, and what the current state becomes. */
export class PduPlacement {
  constructor(
    private readonly interner: Interner,
    private readonly transactor: RoomTransactor,
    private readonly events: EventCache,
    private readonly branches: BranchStates,
  ) {}

  /** Makes the actor take the event and returns what must be committed. The actor must be drained unless it extends the tip or `BranchStates` has all in memory. */
  async place(
    actor: RoomActor,
    judged: Judged,
    extendsTip: boolean,
    redaction: RedactionEffect = {},
  ): Promise<CommitUnit> {
    const { exact } = judged;
    const { pdu } = judged.event;
    const event: KnownEvent = {
      ...judged.event,
      eventNid: judged.eventNid ?? (await this.transactor.reserveEventNid()),
      rejected: judged.verdict === 'rejected',
      accepted: judged.verdict === 'accepted',
      outlier: false,
      inTimeline: judged.verdict === 'accepted',
      bytes: JSON.stringify(exact).length,
      reference: referenceTo({ ...judged.event, pdu: exact }, actor.rules),
    };
    const extremities = withTip(actor, event);
    // What stands beside the timeline must not change with it.
    const before = () => (extendsTip ? actor.recent.current() : judged.before);
    const edits = event.accepted
      ? await this.toEdits(await this.changes(actor, judged, event, extremities, extendsTip), event)
      : [];
    const reset = resetsAmong(edits, event, actor);
    const branch = extendsTip && event.accepted ? undefined : await this.branchState(actor, judged, before());
    const pending: PendingEvent = {
      event,
      typeNid: await this.interner.typeNid(pdu.type),
      stateKeyNid: pdu.state_key === undefined ? null : await this.interner.stateKeyNid(pdu.state_key),
      senderNid: await this.interner.stateKeyNid(pdu.sender),
      verdict: judged.verdict,
      problem: judged.problem,
      signed: Promise.resolve(exact),
      inTimeline: event.inTimeline,
      edits,
      ...(judged.transaction && event.accepted && { transaction: judged.transaction }),
      ...(!extendsTip && { mayBeMissed: true }),
      ...(judged.isForwarded === true && event.accepted && { isForwarded: true }),
      ...(judged.missing.length > 0 && event.accepted && { missing: [...judged.missing] }),
      ...(branch && { state: branch.state }),
      ...(reset.length > 0 && { reset }),
      ...(event.accepted && redaction),
    };
    const after = branch && withEvent(before(), event);
    actor.take(pending, extremities);
    if (branch && after) {
      const { basePosition } = branch.state;
      actor.recent.tookBranch(event.eventId, after, { basePosition, depth: branch.depth });
    }
    this.events.hold(event);
    return { actor, events: [pending], extremities: actor.extremities, depth: actor.depth };
  }

  private branchState(actor: RoomActor, judged: Judged, before: StateMap) {
    const prev = judged.missing.length > 0 ? [] : judged.prev;
    return this.branches.describe(actor, before, prev, (changes) => this.toOverrides(changes));
  }

  private async toOverrides(changes: ReadonlyMap<StateKey, EventId | null>): Promise<StateOverride[]> {
    const edits = await this.toEdits(changes);
    return edits.map(({ typeNid, stateKeyNid, eventNid }) => [typeNid, stateKeyNid, eventNid]);
  }

  /** The current state is the resolution of the states after all forward extremities. */
  private async changes(
    actor: RoomActor,
    { before }: Judged,
    event: KnownEvent,
    extremities: ReadonlyMap<EventId, number>,
    extendsTip: boolean,
  ): Promise<ReadonlyMap<StateKey, EventId | null>> {
    if (extendsTip) return ownChange(event);
    const after = withEvent(before, event);
    const others = [...extremities.keys()].filter((id) => id !== event.eventId);
    if (others.length === 0) return differenceFromNow(actor, after);
    return differenceFromNow(
      actor,
      await this.branches.merge(actor, { event, after }, await this.branches.known(others)),
    );
  }

  /** `taking`: the event that is being placed, which nothing else knows yet. */
  private async toEdits(
    changes: ReadonlyMap<StateKey, EventId | null>,
    taking?: KnownEvent,
  ): Promise<StateEdit[]> {
    const ids = [...changes.values()].filter((id) => id !== null && id !== taking?.eventId);
    const holders = await this.events.load(ids as EventId[]);
    if (taking) holders.set(taking.eventId, taking);
    const edits: StateEdit[] = [];
    for (const [key, eventId] of changes) {
      const [type, stateKey] = splitStateKey(key);
      const holder = eventId === null ? undefined : holders.get(eventId);
      const membership =
        type === 'm.room.member' ? membershipIn(holder?.pdu.content ?? { membership: 'leave' }) : undefined;
      edits.push({
        type,
        stateKey,
        typeNid: await this.interner.typeNid(type),
        stateKeyNid: await this.interner.stateKeyNid(stateKey),
        eventId,
        eventNid: holder?.eventNid ?? null,
        ...(membership && { membership }),
      });
    }
    return edits;
  }
}

function withTip(actor: RoomActor, event: KnownEvent): ReadonlyMap<EventId, number> {
  if (!event.accepted) return actor.extremities;
  const extremities = new Map(actor.extremities);
  for (const id of prevEventIds(event.pdu)) extremities.delete(id);
  return extremities.set(event.eventId, event.eventNid);
}

/** Keys that the resolution removed, and memberships and power levels that it moved, without the new event having done so. */
function resetsAmong(edits: readonly StateEdit[], event: KnownEvent, actor: RoomActor): StateResetChange[] {
  return edits
    .filter(
      ({ eventId, type }) => eventId !== event.eventId && (eventId === null || RESET_TYPES.includes(type)),
    )
    .map(({ type, stateKey, eventId }) => ({
      type,
      stateKey,
      before: actor.stateEventId(type, stateKey) ?? null,
      after: eventId,
    }));
}
