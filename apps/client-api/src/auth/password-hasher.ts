import { availableParallelism } from 'node:os';
import type { Config } from '@atoll/config';
import { overloaded } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { CONFIG } from '../platform/tokens.js';

const MAX_WAITING = 64;
const RETRY_AFTER_MS = 2_000;

/**
 * Argon2id (RFC 9106, what the library does unless told otherwise) in libuv's threads. As many hashes run at once as
 * there are cores, so that memory and the thread pool are left for others; a bounded number waits, the rest gets 503.
 */
@Injectable()
export class PasswordHasher {
  private readonly maxRunning = Math.max(1, Math.min(availableParallelism(), 3));
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private decoy: Promise<string> | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  hash(password: string): Promise<string> {
    const { passwordHashMemoryKib: memoryCost, passwordHashIterations: timeCost } = this.config;
    return this.inTurn(() => hash(password, { memoryCost, timeCost }));
  }

  /** Takes as long when there is no hash to compare with, so that time does not tell which accounts exist. */
  async matches(password: string, passwordHash: string | null | undefined): Promise<boolean> {
    // Waited for in either case, so that the first comparison tells nothing either.
    const decoy = await (this.decoy ??= this.makeDecoy());
    const compared = passwordHash ?? decoy;
    const matches = await this.inTurn(() => verify(compared, password));
    return matches && compared === passwordHash;
  }

  private async makeDecoy(): Promise<string> {
    try {
      return await this.hash('decoy');
    } catch (error) {
      this.decoy = undefined;
      throw error;
    }
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.maxRunning) {
      if (this.waiting.length >= MAX_WAITING) throw overloaded(RETRY_AFTER_MS);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
