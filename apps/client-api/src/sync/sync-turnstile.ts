import type { Config } from '@atoll/config';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { Turnstile } from './turnstile.js';

/** An event in a large room wakes thousands of syncs at once: they must not keep the pool's connections from everybody else. */
@Injectable()
export class SyncTurnstile extends Turnstile {
  constructor(@Inject(CONFIG) config: Config) {
    super(Math.max(1, Math.floor(config.databasePoolSize / 3)));
  }
}
