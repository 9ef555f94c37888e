import { authEventIds, type EventId, prevEventIds, type RoomEvent, type RoomId } from '@atoll/matrix';
import type { StateMap } from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownEvent, PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { mayTakeBack } from '../remote-rooms/may-take-back.js';
import type { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';
import { policyRoom, type PolicyServers } from '../policy-server/policy-servers.js';
import type { Decision, RoomCommands } from '../room-actor/room-commands.js';
import { authorizePdu, type PduBasis } from './authorize-pdu.js';
import type { BranchStates } from './branch-states.js';
import type { Judged, PduPlacement } from './place-pdu.js';
import type { RedactionEffects } from './redaction-effects.js';

/** What one received event came to. */
export type PduResult = { readonly eventId: EventId } & (
  | { readonly outcome: 'accepted' | 'duplicate' }
  | { readonly outcome: 'soft-failed' | 'rejected' | 'refused'; readonly reason: string }
  /** It waits for these; nothing was stored. */
  | {
      readonly outcome: 'missing-events';
      readonly missingPrev: readonly EventId[];
      readonly missingAuth: readonly EventId[];
    }
);

/** The states after predecessors that this server does not have, as another server gave them and they were checked. */
export type GivenStates = ReadonlyMap<EventId, StateMap>;

/** How an event came, where that matters. */
export interface PduCircumstances {
  readonly given?: GivenStates;
  /** Another server's user joins, leaves or knocks by this server, which therefore brings the event to the rest of the room. */
  readonly isForwarded?: boolean;
  /** It was looked up a moment ago, together with others, and is not stored: that spares a look of its own in the room's turn. */
  readonly isNew?: boolean;
  /** A local user's client sent it, and another server had to help. */
  readonly transaction?: PendingEvent['transaction'] | undefined;
}

/** Takes events that other servers made through the checks that need their room; those before were `ReceivedPduCheck`'s. */
export class PduAcceptance {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly events: EventCache,
    private readonly branches: BranchStates,
    private readonly placement: PduPlacement,
    private readonly unjoined: UnjoinedRooms,
    private readonly redactions: RedactionEffects,
    private readonly policies: PolicyServers,
  ) {}

  /**
   * 4. Known already: a duplicate. Auth or previous events unknown: the caller must bring those first.
   * 5. Authorised by its auth events, then by the state before it; else rejected, and stored as such. By the current state;
   *    else soft-failed, and stored as such: `authorize-pdu.ts`. The same without the recommendation of the room's policy server.
   * 6. Placed: timeline, extremities, merged state, in one commit. The answer comes when that is durable.
   * @param deadline ms since 1970
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
   */
  accept(
    roomId: RoomId,
    received: ReceivedEvent,
    deadline: number,
    { isNew = false, ...circumstances }: PduCircumstances = {},
  ): Promise<PduResult> {
    let tries = 0;
    const decide = async (actor: RoomActor | undefined): Promise<Decision<PduResult>> => {
      if (!actor) return { answer: refused(received.event, 'unknown room') };
      // When it is tried again, the try before may have stored it.
      return this.decide(actor, received, { ...circumstances, isNew: isNew && tries++ === 0 });
    };
    return this.rooms.run(roomId, deadline, decide, 'received');
  }

  /**
   * The same as a part of what a command decides while it has its turn. The actor may have taken the event, whatever came of it: what is
   * decided must be committed, so that a refusal comes after the commit.
   */
  async decide(
    actor: RoomActor,
    received: ReceivedEvent,
    { given = new Map(), isForwarded = false, isNew = false, transaction }: PduCircumstances = {},
  ): Promise<Decision<PduResult>> {
    const { event } = received;
    const { eventId } = event;
    if (event.roomId !== actor.roomId) return { answer: refused(event, 'other room') };
    if (actor.isClosedTo(event.pdu)) return { answer: refused(event, 'the room is blocked here') };
    const held = await this.unjoined.heldMembership(actor, event);
    if (held) return this.takeBack(actor, received, held);
    if (actor.stateEventId('m.room.create', '') === undefined) {
      return { answer: refused(event, 'this server is not in the room') };
    }
    const [prevIds, authIds] = [prevEventIds(event.pdu), authEventIds(event.pdu)];
    const isSurelyNew = isNew && this.events.get(eventId) === undefined;
    const known = await this.events.load([...(isSurelyNew ? [] : [eventId]), ...prevIds, ...authIds]);
    const earlier = known.get(eventId);
    if (earlier && !mayBePlaced(earlier)) return { answer: { eventId, outcome: 'duplicate' } };
    const prev = prevIds.flatMap((id) => known.get(id) ?? []);
    const isPlaced = (id: EventId) => known.get(id)?.outlier === false;
    const absent = prevIds.filter((id) => !isPlaced(id));
    const missingPrev = absent.filter((id) => !given.has(id));
    const missingAuth = authIds.filter((id) => !known.has(id));
    if (missingPrev.length + missingAuth.length > 0) {
      return { answer: { eventId, outcome: 'missing-events', missingPrev, missingAuth } };
    }
    if (prevIds.length === 0 || prev.some(({ roomId }) => roomId !== actor.roomId)) {
      return { answer: refused(event, 'previous events of another room') };
    }
    const branches = {
      placed: prev.filter((one) => !one.outlier),
      given: absent.flatMap((id) => given.get(id) ?? []),
    };
    const extendsTip = absent.length === 0 && isTip(actor, prevIds);
    const isForkInMemory = absent.length === 0 && this.branches.areInMemory(actor, prevIds);
    if (!extendsTip && !isForkInMemory) await actor.drained();
    const before = extendsTip
      ? actor.state
      : await this.branches.after(actor, branches.placed, branches.given);
    const basis = { authEvents: authIds.flatMap((id) => known.get(id) ?? []), before, current: actor.state };
    const judged: Judged = {
      ...received,
      prev: branches.placed,
      missing: absent,
      isForwarded,
      ...(transaction && { transaction }),
      before,
      ...(earlier && { eventNid: earlier.eventNid }),
      ...(await this.judge(actor, received, basis)),
    };
    if (judged.verdict !== 'accepted') await actor.drained();
    const redaction = await this.redactions.of(event, before, actor.rules);
    const unit = await this.placement.place(actor, judged, extendsTip, redaction);
    return { answer: resultOf(judged), unit };
  }

  /** What ends the invite or the knock of a local user in a room that this server is not in, where nothing else can be checked. */
  private async takeBack(
    actor: RoomActor,
    received: ReceivedEvent,
    held: KnownEvent,
  ): Promise<Decision<PduResult>> {
    const { event } = received;
    if (!mayTakeBack(held, event)) {
      return { answer: refused(event, 'this server is not in the room') };
    }
    const unit = await this.unjoined.place(actor, received);
    return { answer: { eventId: event.eventId, outcome: 'accepted' }, unit };
  }

  private async judge(
    actor: RoomActor,
    { event, exact }: ReceivedEvent,
    basis: PduBasis,
  ): Promise<Pick<Judged, 'verdict' | 'problem'>> {
    const judgement = await authorizePdu(event, basis, this.events, actor.rules);
    if (judgement.verdict !== 'accepted') {
      const { verdict, rejection } = judgement;
      return { verdict, problem: `${rejection.rule} ${rejection.reason}` };
    }
    const unsigned = await this.policies.missingOn(exact, policyRoom(actor));
    return unsigned
      ? { verdict: 'soft-failed', problem: `the policy server ${unsigned.name} does not recommend it` }
      : { verdict: 'accepted', problem: null };
  }
}

/** Only an outlier that is allowed by its auth events, and that has no place yet, may come into the room a second time. */
function mayBePlaced({ outlier, rejected, inTimeline }: KnownEvent): boolean {
  return outlier && !rejected && !inTimeline;
}

function resultOf({ event: { eventId }, verdict, problem }: Judged): PduResult {
  return verdict === 'accepted'
    ? { eventId, outcome: verdict }
    : { eventId, outcome: verdict, reason: problem ?? '' };
}

function refused({ eventId }: RoomEvent, reason: string): PduResult {
  return { eventId, outcome: 'refused', reason };
}

function isTip(actor: RoomActor, prevEvents: readonly EventId[]): boolean {
  const prev = new Set(prevEvents);
  return prev.size === actor.extremities.size && [...actor.extremities.keys()].every((id) => prev.has(id));
}
