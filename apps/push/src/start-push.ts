import type { Config } from '@atoll/config';
import { startPartitionOwner } from '@atoll/service';
import type { RunningService } from '@atoll/telemetry';

/** Owns its share of the rooms. Push rules are not evaluated, and nothing is pushed, yet. */
export function startPush(config: Config): Promise<RunningService> {
  return startPartitionOwner(config, 'push');
}
