import { type CommandInput, type CommandOutput, PrepareEvent } from '@atoll/contract';
import { forbidden, type JsonObject } from '@atoll/matrix';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { EarlierAnswers } from '../answers/earlier-answers.js';
import { LocalEventBuilder } from '../append-event/local-event-builder.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { RoomCommands } from '../room-actor/room-commands.js';

type Input = CommandInput<typeof PrepareEvent>;
type Output = CommandOutput<typeof PrepareEvent>;

/** Builds an event of a local user that is sent later, or never: nothing is written. */
@Controller()
export class PrepareEventHandler {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly answers: EarlierAnswers,
    private readonly builder: LocalEventBuilder,
  ) {}

  /**
   * 1. Repeated: the same event, as long as this process remembers it.
   * 2. The room's turn: what the event follows is durable when it is answered.
   * 3. Build, hash, authorise. It is signed when it is sent.
   */
  @OnCommand(PrepareEvent)
  handle({ roomId, ...local }: Input, context: CommandContext): Promise<Output> {
    const [earlier, deadline] = [this.answers.command(context.idempotencyKey), deadlineOf(context)];
    return this.answers.once(earlier, deadline, () =>
      this.rooms.run(roomId, deadline, async (actor) => {
        if (!actor) throw forbidden('You are not in this room');
        const { stateKey, ...rest } = local;
        const { hashed } = await this.builder.build(actor, {
          ...rest,
          ...(stateKey !== undefined && { stateKey }),
        });
        const { signatures: _, ...event } = hashed.event.pdu;
        return { answer: { eventId: hashed.event.eventId, event: event as JsonObject } };
      }),
    );
  }
}
