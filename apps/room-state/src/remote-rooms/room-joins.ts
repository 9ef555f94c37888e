import type { Interner, RoomActorReader, RoomTransactor, StateOverride } from '@atoll/database';
import { authEventIds, type EventId, MatrixError, prevEventIds } from '@atoll/matrix';
import {
  authorizeReceivedEvent,
  authTypesForEvent,
  referenceTo,
  splitStateKey,
  type StateKey,
  stateKey,
  type StateMap,
  type StateType,
} from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import { lookupIn } from '../accept-pdus/authorize-pdu.js';
import { stateDifference } from '../accept-pdus/branch-states.js';
import { membershipIn } from '../append-event/local-event-builder.js';
import type { TakenOutlier } from '../outliers/outlier-intake.js';
import { slicesOf } from '../outliers/slices-of.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { CommitUnit } from '../room-actor/group-commit.js';
import type { KnownEvent, PendingEvent, StateEdit } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';

const CREATE: StateType = ['m.room.create', ''];
/** Changes of state that are written while other rooms wait. */
const FEW_CHANGES = 500;

/** Puts the join to a room of others in place, with the checked state that it brings: from now on the room is one of this server's. */
export class RoomJoins {
  constructor(
    private readonly reader: RoomActorReader,
    private readonly transactor: RoomTransactor,
    private readonly interner: Interner,
    private readonly events: EventCache,
  ) {}

  /**
   * Makes the actor take the join. The state before it is the given one, whatever this server knew of the room before: that is old.
   * A room that was new gets its state from before any position on; else the differences take effect with the join.
   * @param state the state before the join: outliers that are stored
   * @param transaction of the client, to be kept with the join
   * @throws MatrixError 403 when the join is not allowed by its auth events or by the state
   */
  async place(
    actor: RoomActor,
    join: ReceivedEvent,
    state: ReadonlyMap<StateKey, TakenOutlier>,
    transaction?: PendingEvent['transaction'],
  ): Promise<CommitUnit> {
    await actor.drained();
    const before: StateMap = new Map(Array.from(state, ([key, { event }]) => [key, event.eventId]));
    await this.authorize(actor, join, before);
    const { eventId, pdu } = join.event;
    const known = await this.events.load([eventId, ...prevEventIds(pdu)]);
    const event: KnownEvent = {
      ...join.event,
      eventNid: known.get(eventId)?.eventNid ?? (await this.transactor.reserveEventNid()),
      reference: referenceTo({ ...join.event, pdu: join.exact }, actor.rules),
      bytes: JSON.stringify(join.exact).length,
      accepted: true,
      outlier: false,
      inTimeline: true,
    };
    const edits = await this.edits(stateDifference(actor.state, before), state);
    const isNew = actor.stateEventId(...CREATE) === undefined;
    const isSeed = (edit: StateEdit) => isNew && actor.stateEventId(edit.type, edit.stateKey) === undefined;
    const later = edits.filter((edit) => !isSeed(edit));
    const own = await this.ownEdit(event);
    const pending: PendingEvent = {
      event,
      typeNid: own.typeNid,
      stateKeyNid: own.stateKeyNid,
      senderNid: await this.interner.stateKeyNid(pdu.sender),
      verdict: 'accepted',
      problem: null,
      signed: Promise.resolve(join.exact),
      inTimeline: true,
      ...(transaction && { transaction }),
      edits: [...later.filter((edit) => !isSameKey(edit, own)), own],
      ...(isNew && { seed: edits.filter((edit) => isSeed(edit)) }),
      ...(later.length > 0 && { state: stateAt(actor, later) }),
      missing: prevEventIds(pdu).filter((id) => known.get(id)?.outlier !== false),
    };
    actor.take(pending, new Map([[eventId, event.eventNid]]));
    this.events.hold(event);
    const isLarge = edits.length > FEW_CHANGES;
    return { actor, events: [pending], extremities: actor.extremities, depth: actor.depth, isLarge };
  }

  private async authorize(actor: RoomActor, { event }: ReceivedEvent, before: StateMap): Promise<void> {
    const ids = authEventIds(event.pdu);
    const known = await this.events.load(ids);
    const authEvents = ids.flatMap((id) => known.get(id) ?? []);
    const types = [CREATE, ...authTypesForEvent(event.pdu, actor.rules)];
    const lookup = await lookupIn(before, types, this.events);
    const basis = { authEvents, create: lookup(...CREATE), before: lookup };
    const judgement =
      authEvents.length === ids.length ? authorizeReceivedEvent(event, basis, actor.rules) : undefined;
    if (judgement?.verdict === 'accepted') return;
    const reason = judgement ? judgement.rejection.reason : 'its authority was not shown';
    throw new MatrixError(403, 'M_FORBIDDEN', `The room does not allow the join: ${reason}`);
  }

  private async edits(
    changes: ReadonlyMap<StateKey, EventId | null>,
    state: ReadonlyMap<StateKey, TakenOutlier>,
  ): Promise<StateEdit[]> {
    const edits: StateEdit[] = [];
    for await (const slice of slicesOf([...changes])) edits.push(...(await this.editsOf(slice, state)));
    return edits;
  }

  private async editsOf(
    changes: readonly (readonly [StateKey, EventId | null])[],
    state: ReadonlyMap<StateKey, TakenOutlier>,
  ): Promise<StateEdit[]> {
    const keys = changes.map(([key, eventId]) => [...splitStateKey(key), eventId] as const);
    const types = await this.interner.typeNids(keys.map(([type]) => type));
    const stateKeys = await this.interner.stateKeyNids(keys.map(([, key]) => key));
    const nids = await this.reader.eventNids(keys.flatMap(([, , eventId]) => eventId ?? []));
    return keys.map(([type, key, eventId]) => {
      const content = state.get(stateKey(type, key))?.event.pdu.content ?? { membership: 'leave' };
      const membership = type === 'm.room.member' ? membershipIn(content) : undefined;
      return {
        ...{ type, stateKey: key, eventId, eventNid: eventId === null ? null : (nids.get(eventId) ?? null) },
        typeNid: types.get(type) ?? 0,
        stateKeyNid: stateKeys.get(key) ?? 0,
        ...(membership && { membership }),
      };
    });
  }

  private async ownEdit({ eventId, eventNid, pdu }: KnownEvent): Promise<StateEdit & { membership: 'join' }> {
    const key = pdu.state_key ?? '';
    return {
      ...{ type: pdu.type, stateKey: key, eventId, eventNid, membership: 'join' },
      typeNid: await this.interner.typeNid(pdu.type),
      stateKeyNid: await this.interner.stateKeyNid(key),
    };
  }
}

/** The state before the join, as it differs from what this server had at its newest position; the seed was there before all of them. */
function stateAt(actor: RoomActor, later: readonly StateEdit[]): NonNullable<PendingEvent['state']> {
  const overrides = later.map(({ typeNid, stateKeyNid, eventNid }): StateOverride => [
    typeNid,
    stateKeyNid,
    eventNid,
  ]);
  return { basePosition: actor.lastPosition, parentEventNid: null, overrides };
}

function isSameKey(one: StateEdit, other: StateEdit): boolean {
  return one.type === other.type && one.stateKey === other.stateKey;
}
