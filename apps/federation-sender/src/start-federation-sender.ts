import type { Config } from '@atoll/config';
import { startPartitionOwner } from '@atoll/service';
import type { RunningService } from '@atoll/telemetry';

/** Owns its share of the destinations. What is to be sent to them is not sent yet. */
export function startFederationSender(config: Config): Promise<RunningService> {
  return startPartitionOwner(config, 'federation-sender');
}
