import { NotOwnerError } from '@atoll/database';
import { counter, histogram, type Logger, observableGauge } from '@atoll/telemetry';
import type { Committed } from './room-actor/group-commit.js';
import type { RoomCommits } from './room-actor/room-commits.js';
import type { RoomRegistry } from './room-actor/room-registry.js';

const committedEvents = counter('atoll_committed_events_total', 'Events that room-state has committed');
const commitSeconds = histogram('atoll_commit_duration_seconds', 'Time from taking a batch to its commit');
const batchSize = histogram(
  'atoll_commit_batch_events',
  'Events in one commit',
  [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
);
const failedCommits = counter('atoll_failed_commits_total', 'Commits that wrote nothing');

const commitsInDoubt = counter('atoll_commits_in_doubt_total', 'Times that the fate of a commit was unknown');
const stateResets = counter(
  'atoll_state_resets_total',
  'State resolutions that removed state, or moved a membership or power levels, without an event that did so',
);

/** Also says where a resolution reset state; `state_resets` has what was before and after. */
export function observeCommit({ units, events, seconds }: Committed, logger: Logger): void {
  committedEvents.add(events);
  batchSize.record(events);
  commitSeconds.record(seconds);
  for (const { actor, events: own } of units) {
    for (const { event, reset } of own) {
      if (reset === undefined) continue;
      stateResets.add(1);
      const { roomId } = actor;
      logger.warn({ roomId, cause: event.eventId, keys: reset.length }, 'A state resolution reset state');
    }
  }
}

export function observeDoubt(): void {
  commitsInDoubt.add(1);
}

export function observeFailedCommit(error: unknown): void {
  failedCommits.add(1, { reason: error instanceof NotOwnerError ? 'fenced' : 'error' });
}

export function observeMemory(registry: RoomRegistry, commits: RoomCommits): void {
  observableGauge('atoll_rooms_in_memory', 'Room actors in memory', (result) => {
    result.observe(registry.size);
  });
  observableGauge('atoll_idle_rooms_bytes', 'Estimated memory of idle room actors', (result) => {
    result.observe(registry.idleBytes);
  });
  observableGauge('atoll_commit_queue_depth', 'Commands that wait for the next commit', (result) => {
    result.observe(commits.depth);
  });
}
