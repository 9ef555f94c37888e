import { overloaded, type RoomId } from '@atoll/matrix';
import type { RoomVersionRules } from '@atoll/room-rules';
import type { CommitUnit } from './group-commit.js';
import { ActorDropped, type RoomActor } from './room-actor.js';
import type { RoomCommits } from './room-commits.js';
import type { RoomRegistry } from './room-registry.js';
import type { Line } from './turn-queue.js';
import { untilDurable } from './until-durable.js';

/** What a handler decided while it had its turn: the answer, and what must be durable before it is given. */
export interface Decision<Answer> {
  readonly answer: Answer;
  readonly unit?: CommitUnit;
}

const RETRY_AFTER_MS = 1000;
/** Half of the commands that the transport hands over at once: however slow one room is, the others get theirs. */
const MAX_IN_HAND = 512;

/** Runs commands on rooms: a turn with the actor, the next commit, and again from the start when the actor was dropped. */
export class RoomCommands {
  private readonly inHand = new Map<RoomId, number>();

  constructor(
    private readonly registry: RoomRegistry,
    private readonly commits: RoomCommits,
  ) {}

  /**
   * Lets `decide` have its turn on the room and answers when what it decided, and all that it decided on, is durable.
   * `decide` runs again, on a freshly loaded room, when a commit that it built on failed; it must not have effects of its own.
   * @param deadline ms since 1970
   * @throws NotOwner, MatrixError 503 when the room has too many commands in hand, or what `decide` throws
   */
  async run<Answer>(
    roomId: RoomId,
    deadline: number,
    decide: (actor: RoomActor | undefined) => Promise<Decision<Answer>>,
    line: Line = 'commands',
  ): Promise<Answer> {
    const before = this.inHand.get(roomId) ?? 0;
    if (before >= MAX_IN_HAND) throw overloaded(RETRY_AFTER_MS);
    this.inHand.set(roomId, before + 1);
    try {
      return await untilDurable(deadline, () => this.attempt(roomId, deadline, decide, line));
    } finally {
      const left = (this.inHand.get(roomId) ?? 1) - 1;
      if (left > 0) this.inHand.set(roomId, left);
      else this.inHand.delete(roomId);
    }
  }

  /** The rules of a room that exists, which never change: needs no turn. */
  rulesOf(roomId: RoomId, deadline: number): Promise<RoomVersionRules | undefined> {
    return this.look(roomId, deadline, ({ rules }) => rules);
  }

  /** Reads what needs no turn off a room that exists. @throws NotOwner */
  look<Seen>(roomId: RoomId, deadline: number, see: (actor: RoomActor) => Seen): Promise<Seen | undefined> {
    return untilDurable(deadline, async () => {
      const actor = await this.registry.acquire(roomId);
      if (!actor) return undefined;
      try {
        return see(actor);
      } finally {
        this.registry.release(actor);
      }
    });
  }

  private async attempt<Answer>(
    roomId: RoomId,
    deadline: number,
    decide: (actor: RoomActor | undefined) => Promise<Decision<Answer>>,
    line: Line,
  ): Promise<Answer> {
    const actor = await this.registry.acquire(roomId);
    if (!actor) return this.finish(await decide(undefined));
    try {
      let commit: Promise<void> | undefined;
      const { answer } = await actor.exclusive(line, async () => {
        if (Date.now() >= deadline) throw overloaded(RETRY_AFTER_MS);
        const decision = await decideOn(actor, decide);
        // Inside the turn, so that a room's commits keep the order of its decisions.
        const unit = decision.unit ?? (actor.hasUncommitted ? nothingNew(actor) : undefined);
        if (unit) commit = this.commits.enqueue(unit);
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

/** A refusal by a state that was dropped meanwhile is none. */
async function decideOn<Answer>(
  actor: RoomActor,
  decide: (actor: RoomActor) => Promise<Decision<Answer>>,
): Promise<Decision<Answer>> {
  try {
    return await decide(actor);
  } catch (error) {
    throw actor.dropped ? new ActorDropped({ cause: error }) : error;
  }
}

/** An answer by events that still wait for their commit waits with them. */
function nothingNew(actor: RoomActor): CommitUnit {
  return { actor, events: [], extremities: actor.extremities, depth: actor.depth };
}
