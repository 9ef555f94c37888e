import { isCommitInDoubt, isRetryable, NotOwnerError } from '@atoll/database';
import { overloaded } from '@atoll/matrix';
import { NotOwner } from '@atoll/redis-streams';
import { ActorDropped } from './room-actor.js';

const RETRY_PAUSE_MS = 50;
const RETRY_AFTER_MS = 1000;

/**
 * Tries again and again while it fails for a reason that passes: a dropped actor, a database that is away.
 * @param deadline ms since 1970
 * @throws NotOwner, MatrixError 503 at the deadline, or what `attempt` throws
 */
export async function untilDurable<Answer>(
  deadline: number,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof NotOwnerError)
        throw new NotOwner(error.lost[0]?.partition ?? -1, { cause: error });
      if (!(error instanceof ActorDropped) && !isRetryable(error) && !isCommitInDoubt(error)) throw error;
      if (Date.now() + RETRY_PAUSE_MS >= deadline) throw overloaded(RETRY_AFTER_MS);
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
    }
  }
}
