import type { ConnectedConfig } from '@atoll/config';
import { startClientApi } from '@atoll/client-api';

/** What every service's start function gives. */
export interface RunningService {
  readonly name: string;
  /** Throws when the service cannot do its work just now. */
  check(): Promise<void>;
  /** Ends without failing a request. */
  close(): Promise<void>;
}

export type StartService = (config: ConnectedConfig) => Promise<RunningService>;

/** In the order in which they start; they stop in the opposite one, what clients talk to first. */
export const services: readonly StartService[] = [startClientApi];
