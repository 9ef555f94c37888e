import { type CommandInput, type CommandOutput, SendPreparedEvent } from '@atoll/contract';
import { badJson, forbidden, type Pdu, serverNameOf } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { type HashedEvent, type RoomVersionRules, signHashedEvent } from '@atoll/room-rules';
import { Controller } from '@nestjs/common';
import { PduAcceptance, type PduResult } from '../accept-pdus/pdu-acceptance.js';
import { hash } from '../append-event/local-event-builder.js';
import { PolicySignatures } from '../policy-server/policy-signatures.js';
import { OwnSignature } from '../remote-rooms/own-signature.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { EventCache } from '../room-actor/event-cache.js';
import { RoomCommands } from '../room-actor/room-commands.js';

type Input = CommandInput<typeof SendPreparedEvent>;
type Output = CommandOutput<typeof SendPreparedEvent>;

/** Sends an event that was built before. */
@Controller()
export class SendPreparedEventHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly policies: PolicySignatures,
    private readonly events: EventCache,
    private readonly own: OwnSignature,
  ) {}

  /**
   * 1. It is an event of this room and of a user of this server: only then it gets the signature.
   * 2. In rooms with a policy server, its signature.
   * 3. The room may have moved on since it was built: it goes the way of events that others made, which also finds it there when it is
   *    sent again.
   * @throws MatrixError 403 when the room no longer allows it
   */
  @OnCommand(SendPreparedEvent)
  async handle({ roomId, event: prepared }: Input, context: CommandContext): Promise<Output> {
    const deadline = deadlineOf(context);
    const rules = await this.rooms.rulesOf(roomId, deadline);
    if (!rules) throw forbidden('You are not in this room');
    const hashed = hashAgain(prepared as unknown as Pdu, rules);
    const { pdu, eventId, roomId: ofRoom } = hashed.event;
    if (ofRoom !== roomId || serverNameOf(pdu.sender) !== this.own.serverName) {
      throw badJson('The event is not one of this room by a user of this server');
    }
    const event = await signHashedEvent(hashed, this.own.serverName, this.own.key);
    const received = await this.policies.completeOne(roomId, { event, exact: event.pdu });
    const result = await this.acceptance.accept(roomId, received, deadline);
    if (!(await this.isAccepted(result))) {
      throw forbidden('The room has changed meanwhile and no longer allows the event');
    }
    return { eventId };
  }

  /** What was refused at first is a duplicate the second time, but not accepted for that. */
  private async isAccepted({ outcome, eventId }: PduResult): Promise<boolean> {
    if (outcome !== 'duplicate') return outcome === 'accepted';
    return (await this.events.load([eventId])).get(eventId)?.accepted === true;
  }
}

function hashAgain({ hashes: _, signatures: __, ...draft }: Pdu, rules: RoomVersionRules): HashedEvent {
  return hash(draft, rules);
}
