import type { RoomId } from '@atoll/matrix';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';

const STEP_MS = 30_000;

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Turns for steps that change a room's rows behind its back. Only in its turn, and with nothing uncommitted, may a room be forgotten: at
 * any other moment a commit of it may be on its way, which whoever loads the room next does not see, and overwrites.
 */
export class DrainedTurns {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly registry: RoomRegistry,
  ) {}

  /**
   * Does the work. When it fails the room is forgotten: perhaps it was done all the same. Nothing is tried again here.
   * @throws NotOwner, MatrixError 503 when the room is too busy, or what `work` throws
   */
  async run<T>(roomId: RoomId, work: (actor: RoomActor | undefined) => Promise<T>): Promise<T> {
    const outcome = await this.attempt(roomId, work, (result) => 'error' in result);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** The same; the room is forgotten in any case. */
  async runAndForget(roomId: RoomId, work: () => Promise<void>): Promise<void> {
    const outcome = await this.attempt(roomId, work, () => true);
    if ('error' in outcome) throw outcome.error;
  }

  private async attempt<T>(
    roomId: RoomId,
    work: (actor: RoomActor | undefined) => Promise<T>,
    isOutdated: (outcome: Outcome<T>) => boolean,
  ): Promise<Outcome<T>> {
    const { outcome, isForgotten } = await this.turn(roomId, async (actor) => {
      const result = await outcomeOf(() => work(actor));
      const mustGo = isOutdated(result);
      if (actor && mustGo) this.registry.forgetRoom(roomId);
      return { outcome: result, isForgotten: actor !== undefined || !mustGo };
    });
    // Nobody had a turn; the room may have been loaded, or made, meanwhile.
    if (!isForgotten)
      await this.turn(roomId, (actor) => {
        if (actor) this.registry.forgetRoom(roomId);
        return Promise.resolve();
      });
    return outcome;
  }

  private turn<T>(roomId: RoomId, work: (actor: RoomActor | undefined) => Promise<T>): Promise<T> {
    return this.rooms.run(roomId, Date.now() + STEP_MS, async (actor) => {
      await actor?.drained();
      return { answer: await work(actor) };
    });
  }
}

/** As a value: what is thrown in the turn of a room that was forgotten counts as a reason to begin again. */
async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
