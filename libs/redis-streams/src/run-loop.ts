import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisConnection } from './connect-redis.js';

const logger = new Logger('RedisStreams');

/** Repeats a step over its own connection until it is stopped; errors slow it down and never end it. */
export class RunLoop {
  private stopped = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly name: string,
    private readonly connection: RedisConnection,
    private readonly step: () => Promise<void>,
    private readonly onError: (error: Error) => void | Promise<void> = () => undefined,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Ends the blocking read at once and waits for the step in hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.connection.disconnect();
    await this.running;
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopped) {
      try {
        await this.step();
        failures = 0;
      } catch (error) {
        if (this.isStopped()) return;
        failures += 1;
        await this.recover(error as Error, failures);
      }
    }
  }

  private async recover(error: Error, failures: number): Promise<void> {
    const connected = this.connection.status === 'ready';
    if (connected && failures === 1) logger.warn(`${this.name}: ${error.message}`);
    try {
      await this.onError(error);
    } catch (recoveryError) {
      if (connected && failures === 1) logger.warn(`${this.name}: ${(recoveryError as Error).message}`);
    }
    await delay(Math.min(25 * 2 ** Math.min(failures, 5), 500) * (0.5 + Math.random() / 2));
  }

  /** `stop()` may have run while the step was waiting. */
  private isStopped(): boolean {
    return this.stopped;
  }
}
