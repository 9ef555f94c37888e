import type { Interner, RoomActorReader, StateOverride } from '@atoll/database';
import { authEventIds, type EventId, prevEventIds } from '@atoll/matrix';
import { referenceTo, splitStateKey, type StateKey, type StateMap } from '@atoll/room-rules';
import { authorizePdu } from '../accept-pdus/authorize-pdu.js';
import {
  type BranchStates,
  MAX_CHAIN,
  ownChange,
  stateDifference,
  type StoredBranchState,
  withEvent,
} from '../accept-pdus/branch-states.js';
import type { RedactionEffects } from '../accept-pdus/redaction-effects.js';
import type { TakenOutlier } from '../outliers/outlier-intake.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownEvent, PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Decision } from '../room-actor/room-commands.js';
import type { HistoryStretch } from './history-questions.js';

/** No row of a room's state begins there or earlier. */
const BEFORE_EVERYTHING = -1;

/** How many events were stored with the state before them, and how many of them were added to the timeline. */
export interface PlacedHistory {
  readonly placed: number;
  readonly added: number;
}

/** An event of the stretch that has its place now. */
interface Placed {
  readonly event: KnownEvent;
  readonly before: StateMap;
  readonly stored: StoredBranchState;
  /** How many events share what is stored. */
  readonly chain: number;
}

interface Stretch {
  readonly actor: RoomActor;
  readonly befores: ReadonlyMap<EventId, StateMap>;
  readonly gap: HistoryStretch['gap'];
  readonly known: ReadonlyMap<EventId, KnownEvent>;
  readonly placed: Map<EventId, Placed>;
}

/** Places history: events that come before some that the room has, and change nothing of its state. */
export class HistoryPlacement {
  constructor(
    private readonly reader: RoomActorReader,
    private readonly interner: Interner,
    private readonly events: EventCache,
    private readonly branches: BranchStates,
    private readonly redactions: RedactionEffects,
  ) {}

  /**
   * Judges each event by its auth events and by the state before it, and makes the actor take it. There is no check by the current
   * state: that is of another time. Events whose state before cannot be known are left out, and so is what follows them.
   */
  async place(actor: RoomActor, { events, befores, gap }: HistoryStretch): Promise<Decision<PlacedHistory>> {
    await actor.drained();
    const ids = events.flatMap(({ event: { eventId, pdu } }) => [
      eventId,
      ...prevEventIds(pdu),
      ...authEventIds(pdu),
    ]);
    const known = await this.events.load([...new Set(ids)]);
    const stretch: Stretch = { actor, befores, gap, known, placed: new Map() };
    const pending: PendingEvent[] = [];
    for (const one of events) {
      const outlier = known.get(one.event.eventId);
      if (outlier?.outlier !== true || outlier.inTimeline) continue;
      const before = await this.before(stretch, one);
      if (!before) continue;
      pending.push(await this.take(stretch, one, outlier.eventNid, before));
      // Each may copy a large state.
      await new Promise(setImmediate);
    }
    const added = pending.filter(({ beforePosition }) => beforePosition !== undefined).length;
    const answer = { placed: pending.length, added };
    if (pending.length === 0) return { answer };
    for (const one of pending) {
      actor.take(one, actor.extremities);
      this.events.hold(one.event);
    }
    const { extremities, depth } = actor;
    return { answer, unit: { actor, events: pending.toReversed(), extremities, depth } };
  }

  private async before(
    { actor, befores, known, placed }: Stretch,
    { event }: TakenOutlier,
  ): Promise<StateMap | undefined> {
    const told = befores.get(event.eventId);
    if (told) return told;
    const prev = prevEventIds(event.pdu);
    if (prev.length === 0) return new Map();
    const own: KnownEvent[] = [];
    const inside: StateMap[] = [];
    for (const id of prev) {
      const one = placed.get(id);
      const event = known.get(id);
      if (one) inside.push(withEvent(one.before, one.event));
      else if (event?.outlier === false) own.push(event);
      else return undefined;
    }
    return this.branches.after(actor, own, inside);
  }

  private async take(
    stretch: Stretch,
    one: TakenOutlier,
    eventNid: number,
    before: StateMap,
  ): Promise<PendingEvent> {
    const { actor, gap, known, placed } = stretch;
    const { pdu, eventId } = one.event;
    const problem = one.problem ?? (await this.problem(stretch, one, before));
    const accepted = problem === undefined;
    const event: KnownEvent = {
      ...one.event,
      eventNid,
      rejected: !accepted,
      accepted,
      outlier: false,
      inTimeline: accepted,
      bytes: JSON.stringify(one.exact).length,
      reference: referenceTo({ ...one.event, pdu: one.exact }, actor.rules),
    };
    const described = await this.describe(stretch, one, before);
    placed.set(eventId, { event, before, ...described });
    const isHere = (id: EventId) => placed.has(id) || known.get(id)?.outlier === false;
    return {
      event,
      typeNid: await this.interner.typeNid(pdu.type),
      stateKeyNid: pdu.state_key === undefined ? null : await this.interner.stateKeyNid(pdu.state_key),
      senderNid: await this.interner.stateKeyNid(pdu.sender),
      verdict: accepted ? 'accepted' : 'rejected',
      problem: problem ?? null,
      signed: Promise.resolve(one.exact),
      inTimeline: false,
      edits: [],
      ...(accepted && { beforePosition: gap.beforePosition }),
      followedByNid: gap.followedByNid,
      mayBeMissed: true,
      missing: prevEventIds(pdu).filter((id) => !isHere(id)),
      state: described.stored,
      ...(accepted && (await this.redactions.of(event, before, actor.rules))),
    };
  }

  /** The rule that forbids it; the events of the stretch that were rejected meanwhile count as such. */
  private async problem(
    { actor, known, placed }: Stretch,
    { event }: TakenOutlier,
    before: StateMap,
  ): Promise<string | undefined> {
    const authEvents = authEventIds(event.pdu).flatMap((id) => placed.get(id)?.event ?? known.get(id) ?? []);
    const basis = { authEvents, before, current: before };
    const judgement = await authorizePdu(event, basis, this.events, actor.rules);
    if (judgement.verdict === 'accepted') return undefined;
    return `${judgement.rejection.rule} ${judgement.rejection.reason}`;
  }

  /** As the difference from the predecessor's, else from the room's state now or from nothing, whichever is less. */
  private async describe(
    { actor, placed }: Stretch,
    { event }: TakenOutlier,
    before: StateMap,
  ): Promise<Pick<Placed, 'stored' | 'chain'>> {
    const prev = prevEventIds(event.pdu);
    const parent = prev.map((id) => placed.get(id)).find((one) => one !== undefined);
    if (parent && parent.chain < MAX_CHAIN) {
      const changes = prev.length === 1 ? ownChange(parent.event) : stateDifference(parent.before, before);
      const { basePosition } = parent.stored;
      const overrides = await this.overrides(changes);
      const stored = { basePosition, parentEventNid: parent.event.eventNid, overrides };
      return { stored, chain: parent.chain + 1 };
    }
    const changes = stateDifference(actor.state, before);
    const isFarAway = changes.size > before.size;
    const overrides = await this.overrides(isFarAway ? before : changes);
    const basePosition = isFarAway ? BEFORE_EVERYTHING : actor.lastPosition;
    return { stored: { basePosition, parentEventNid: null, overrides }, chain: 1 };
  }

  private async overrides(changes: ReadonlyMap<StateKey, EventId | null>): Promise<StateOverride[]> {
    const entries = Array.from(changes, ([key, eventId]) => [...splitStateKey(key), eventId] as const);
    const types = await this.interner.typeNids(entries.map(([type]) => type));
    const keys = await this.interner.stateKeyNids(entries.map(([, key]) => key));
    const nids = await this.reader.eventNids(entries.flatMap(([, , eventId]) => eventId ?? []));
    return entries.map(([type, key, eventId]) => [
      types.get(type) ?? 0,
      keys.get(key) ?? 0,
      eventId === null ? null : (nids.get(eventId) ?? null),
    ]);
  }
}
