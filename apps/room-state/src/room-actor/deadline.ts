import type { CommandContext } from '@atoll/redis-streams';

/** For work that nobody waits for. */
const WITHOUT_CALLER_MS = 30_000;

/** Until when a command may be tried again, in ms since 1970. */
export function deadlineOf(context: CommandContext): number {
  return context.deadline ?? Date.now() + WITHOUT_CALLER_MS;
}
