import { BackfillRoom, type CommandInput, type CommandOutput } from '@atoll/contract';
import { type CommandContext, OnCommand } from '@atoll/redis-streams';
import { Controller } from '@nestjs/common';
import { knownRoom } from '../missing-events/gap-states.js';
import { deadlineOf } from '../room-actor/deadline.js';
import { RoomCommands } from '../room-actor/room-commands.js';
import { HistoryPlacement, type PlacedHistory } from './history-placement.js';
import { HistoryQuestions } from './history-questions.js';

type Input = CommandInput<typeof BackfillRoom>;
type Output = CommandOutput<typeof BackfillRoom>;

const MAX_STRETCHES = 5;
const NOTHING: PlacedHistory = { placed: 0, added: 0 };

/** Brings a stretch of a room's history that only other servers have. */
@Controller()
export class BackfillRoomHandler {
  /** Who asks while a stretch is on its way gets the same one. */
  private readonly running = new Map<string, Promise<Output>>();

  constructor(
    private readonly rooms: RoomCommands,
    private readonly questions: HistoryQuestions,
    private readonly placement: HistoryPlacement,
  ) {}

  /**
   * 1. Other servers are asked for what the room missed at a place, and for the state where their answer begins. The room goes on
   *    meanwhile.
   * 2. In the room's turn each event is judged by the state before it, and placed just before the event that it is the history of.
   */
  @OnCommand(BackfillRoom)
  async handle(input: Input, context: CommandContext): Promise<Output> {
    const key = `${input.roomId} ${input.before}`;
    const running = this.running.get(key);
    if (running) return running;
    const run = this.backfill(input, deadlineOf(context)).finally(() => this.running.delete(key));
    this.running.set(key, run);
    return run;
  }

  /** A stretch of which every event is refused is no end of the history. */
  private async backfill(input: Input, deadline: number): Promise<Output> {
    for (let stretch = 0; stretch < MAX_STRETCHES; stretch += 1) {
      const { placed, added } = await this.stretch(input, deadline);
      if (added > 0 || placed === 0) return { added };
    }
    return { added: 0 };
  }

  private async stretch({ roomId, limit, before }: Input, deadline: number): Promise<PlacedHistory> {
    const room = await this.rooms.look(roomId, deadline, knownRoom);
    const stretch = room && (await this.questions.ask(room, before, limit, deadline));
    if (!stretch) return NOTHING;
    return this.rooms.run(roomId, deadline, async (actor) =>
      actor ? this.placement.place(actor, stretch) : { answer: NOTHING },
    );
  }
}
