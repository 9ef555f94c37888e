import type { ConnectedConfig } from '@atoll/config';
import { startClientApi } from '@atoll/client-api';
import type { RunningService } from '@atoll/telemetry';

type StartService = (config: ConnectedConfig) => Promise<RunningService>;

/** In the order in which they start; they stop in the opposite one, what clients talk to first. */
export const services: readonly StartService[] = [startClientApi];
