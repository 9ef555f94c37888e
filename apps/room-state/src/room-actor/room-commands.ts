import { isCommitInDoubt, isRetryable, NotOwnerError } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';
import { overloaded } from '@atoll/matrix';
import { NotOwner } from '@atoll/redis-streams';
import type { CommitUnit, GroupCommit } from './group-commit.js';
import { ActorDropped, type RoomActor } from './room-actor.js';
import type { RoomRegistry } from './room-registry.js';

/** What a handler decided while it had its turn: the answer, and what must be durable before it is given. */
export interface Decision<Answer> {
  readonly answer: Answer;
  readonly unit?: CommitUnit;
}

const RETRY_PAUSE_MS = 50;

/** Runs commands on rooms: a turn with the actor, the next commit, and again from the start when the actor was dropped. */
export class RoomCommands {
  constructor(
    private readonly registry: RoomRegistry,
    private readonly commits: GroupCommit,
  ) {}

  /**
   * Lets `decide` have its turn on the room and answers when what it decided is durable. `decide` runs again, on a
   * freshly loaded room, when a commit that it built on failed; it must not have effects of its own.
   * @param deadline ms since 1970
   * @throws NotOwner, or what `decide` throws
   */
  async run<Answer>(
    roomId: RoomId,
    deadline: number,
    decide: (actor: RoomActor | undefined) => Promise<Decision<Answer>>,
  ): Promise<Answer> {
    for (;;) {
      try {
        return await this.attempt(roomId, decide);
      } catch (error) {
        if (error instanceof NotOwnerError)
          throw new NotOwner(error.lost[0]?.partition ?? -1, { cause: error });
        if (!(error instanceof ActorDropped) && !isRetryable(error) && !isCommitInDoubt(error)) throw error;
        if (Date.now() + RETRY_PAUSE_MS >= deadline) throw overloaded(1000);
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
  }

  private async attempt<Answer>(
    roomId: RoomId,
    decide: (actor: RoomActor | undefined) => Promise<Decision<Answer>>,
  ): Promise<Answer> {
    const actor = await this.registry.acquire(roomId);
    if (!actor) return this.finish(await decide(undefined));
    try {
      let commit: Promise<void> | undefined;
      const { answer } = await actor.exclusive(async () => {
        const decision = await decide(actor);
        // Inside the turn, so that a room's commits keep the order of its decisions.
        if (decision.unit) commit = this.commits.enqueue(decision.unit);
        return decision;
      });
      await commit;
      return answer;
    } finally {
      this.registry.release(actor);
    }
  }

  /** A room that did not exist when its turn came: its creation brings an actor of its own. */
  private async finish<Answer>({ answer, unit }: Decision<Answer>): Promise<Answer> {
    if (!unit) return answer;
    this.registry.adopt(unit.actor);
    try {
      await this.commits.enqueue(unit);
      return answer;
    } finally {
      this.registry.release(unit.actor);
    }
  }
}
