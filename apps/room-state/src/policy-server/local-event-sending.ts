import { type EventId, forbidden, type RoomId } from '@atoll/matrix';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import { RequestSlots } from '../missing-events/request-slots.js';
import type { CommitUnit } from '../room-actor/group-commit.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Decision, RoomCommands } from '../room-actor/room-commands.js';
import type { PolicyQuestions } from './policy-questions.js';
import { UnsignedByPolicyServer } from './unsigned-by-policy-server.js';

/** Events of a room that wait for their signature follow the same predecessors: more would spread it. */
const AT_ONCE_IN_ROOM = 4;
const AT_ONCE = 1_000;

/** Sends local events; those of rooms with a policy server when it has signed them. */
export class LocalEventSending {
  private readonly slots = new RequestSlots<RoomId>(AT_ONCE_IN_ROOM, AT_ONCE);

  constructor(
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly questions: PolicyQuestions,
  ) {}

  /**
   * 1. The room's turn: `decide` makes the event, and in rooms without a policy server takes it.
   * 2. Else it is made again when few others of the room are on their way, and, outside of the turn, the policy server is asked.
   * 3. In another turn, the event goes the way of events that others made, for the room may have moved on.
   * @param deadline ms since 1970
   * @param resultKey of the command whose answer is kept with the event
   * @throws MatrixError what the policy server said when it did not sign, `M_FORBIDDEN`, or what `decide` throws
   * @see https://spec.matrix.org/v1.19/server-server-api/#asking-for-a-policy-server-signature-on-an-event
   */
  async run<Answer>(
    roomId: RoomId,
    deadline: number,
    resultKey: string | undefined,
    decide: (actor: RoomActor | undefined) => Promise<Decision<Answer>>,
  ): Promise<Answer | { eventId: EventId }> {
    const attempt = () => this.rooms.run(roomId, deadline, decide);
    return attempt().catch((error: unknown) => {
      if (!(error instanceof UnsignedByPolicyServer)) throw error;
      return this.slots.run(roomId, () =>
        attempt().catch((again: unknown) => {
          if (!(again instanceof UnsignedByPolicyServer)) throw again;
          return this.sendSigned(again, deadline, resultKey);
        }),
      );
    });
  }

  private async sendSigned(
    { server, event, transaction }: UnsignedByPolicyServer,
    deadline: number,
    resultKey: string | undefined,
  ): Promise<{ eventId: EventId }> {
    const { roomId, eventId } = event;
    const gone = () => forbidden('You are not in this room');
    const rules = await this.rooms.rulesOf(roomId, deadline);
    if (!rules) throw gone();
    const signed = await this.questions.signed({ event, exact: event.pdu }, server, rules, deadline);
    const answer = { eventId };
    const outcome = await this.rooms.run(roomId, deadline, async (actor) => {
      if (!actor) throw gone();
      const decision = await this.acceptance.decide(actor, signed);
      if (decision.answer.outcome !== 'accepted') return { ...decision, answer: decision.answer.outcome };
      return { answer: 'accepted', ...(decision.unit && { unit: asOurs(decision.unit) }) };
    });
    if (outcome === 'accepted' || outcome === 'duplicate') return answer;
    throw forbidden('The room has changed meanwhile and no longer allows the event');

    function asOurs(unit: CommitUnit): CommitUnit {
      return {
        ...unit,
        events: unit.events.map((one) => ({ ...one, ...(transaction && { transaction }) })),
        ...(resultKey !== undefined && { commandResult: { key: resultKey, result: answer } }),
      };
    }
  }
}
