import { AcceptPdus, type CommandInput, type CommandOutput } from '@atoll/contract';
import { authEventIds, type EventId, isEventId, prevEventIds, type RoomEvent } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { canRedact, type RoomVersionRules, type StateMap } from '@atoll/room-rules';
import { type ReceivedEvent, ReceivedPduCheck } from '@atoll/server-keys';
import { Controller } from '@nestjs/common';
import { deadlineOf } from '../room-actor/deadline.js';
import { EventCache } from '../room-actor/event-cache.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import { type Decision, RoomCommands } from '../room-actor/room-commands.js';
import { authorizePdu, lookupIn, type PduBasis } from './authorize-pdu.js';
import { BranchStates } from './branch-states.js';
import type { PduResult } from './pdu-result.js';
import { type Judged, PduPlacement } from './place-pdu.js';

type Input = CommandInput<typeof AcceptPdus>;
type Output = CommandOutput<typeof AcceptPdus>;

const POWERS = [
  ['m.room.create', ''],
  ['m.room.power_levels', ''],
] as const;

/** Takes events of other servers through the checks on receipt of a PDU. */
@Controller()
export class AcceptPdusHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly checks: ReceivedPduCheck,
    private readonly events: EventCache,
    private readonly branches: BranchStates,
    private readonly placement: PduPlacement,
  ) {}

  /**
   * 1.–3. Format, signatures, content hash: `ReceivedPduCheck`.
   * 4. Known already: a duplicate. Auth or previous events unknown: the caller must bring those first.
   * 5. Authorised by its auth events, then by the state before it; else rejected, and stored as such. By the current state;
   *    else soft-failed, and stored as such: `authorize-pdu.ts`.
   * 6. Placed: timeline, extremities, merged state, in one commit.
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
   */
  @OnCommand(AcceptPdus)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const results: PduResult[] = [];
    for (const json of input.pdus) results.push(await this.accept(input, json, context));
    return { results };
  }

  private async accept(input: Input, json: string, context: CommandContext): Promise<PduResult> {
    const rules = await this.rooms.rulesOf(input.roomId, deadlineOf(context));
    if (!rules) return { eventId: null, outcome: 'refused', reason: 'unknown room' };
    const checked = await this.checks.check(json, rules);
    if ('refused' in checked) return { eventId: null, outcome: 'refused', reason: checked.refused };
    const { event } = checked;
    if (event.roomId !== input.roomId)
      return { eventId: event.eventId, outcome: 'refused', reason: 'other room' };
    return this.rooms.run(input.roomId, deadlineOf(context), async (actor) => {
      if (!actor) return { answer: { eventId: event.eventId, outcome: 'refused', reason: 'unknown room' } };
      return this.decide(actor, checked);
    });
  }

  private async decide(actor: RoomActor, received: ReceivedEvent): Promise<Decision<PduResult>> {
    const { event } = received;
    const { eventId } = event;
    const [prevIds, authIds] = [prevEventIds(event.pdu), authEventIds(event.pdu)];
    const known = await this.events.load([eventId, ...prevIds, ...authIds]);
    if (known.has(eventId)) return { answer: { eventId, outcome: 'duplicate' } };
    const missing = [...prevIds, ...authIds].filter((id) => !known.has(id));
    if (missing.length > 0) return { answer: { eventId, outcome: 'missing-events', missing } };
    const prev = prevIds.flatMap((id) => known.get(id) ?? []);
    if (prev.length === 0 || prev.some(({ roomId }) => roomId !== actor.roomId)) {
      return { answer: { eventId, outcome: 'refused', reason: 'previous events of another room' } };
    }
    const extendsTip = isTip(actor, prevIds);
    if (!extendsTip) await actor.drained();
    const before: StateMap = extendsTip ? actor.state : await this.branches.after(actor, prev);
    const authEvents = authIds.flatMap((id) => known.get(id) ?? []);
    const judged: Judged = {
      ...received,
      prev,
      before,
      ...(await this.judge(event, { authEvents, before, current: actor.state }, actor.rules)),
    };
    if (judged.verdict !== 'accepted') await actor.drained();
    const redactsNid = await this.redactable(event, before, actor.rules);
    const unit = await this.placement.place(actor, judged, extendsTip, redactsNid);
    const reason = judged.problem;
    return { answer: { eventId, outcome: judged.verdict, ...(reason !== null && { reason }) }, unit };
  }

  private async judge(
    event: RoomEvent,
    basis: PduBasis,
    rules: RoomVersionRules,
  ): Promise<Pick<Judged, 'verdict' | 'problem'>> {
    const judgement = await authorizePdu(event, basis, this.events, rules);
    if (judgement.verdict === 'accepted') return { verdict: 'accepted', problem: null };
    const { verdict, rejection } = judgement;
    return { verdict, problem: `${rejection.rule} ${rejection.reason}` };
  }

  /** The number of the event that an accepted redaction takes the content from. */
  private async redactable(
    event: RoomEvent,
    before: StateMap,
    rules: RoomVersionRules,
  ): Promise<number | undefined> {
    if (event.pdu.type !== 'm.room.redaction') return undefined;
    const redacts = rules.redactsInContent ? event.pdu.content['redacts'] : event.pdu.redacts;
    if (!isEventId(redacts)) return undefined;
    const target = (await this.events.load([redacts])).get(redacts);
    if (!target) return undefined;
    const lookup = await lookupIn(before, POWERS, this.events);
    return canRedact(event, target, lookup, rules) ? target.eventNid : undefined;
  }
}

function isTip(actor: RoomActor, prevEvents: readonly EventId[]): boolean {
  const prev = new Set(prevEvents);
  return prev.size === actor.extremities.size && [...actor.extremities.keys()].every((id) => prev.has(id));
}
