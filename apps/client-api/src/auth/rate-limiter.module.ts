import { Module } from '@nestjs/common';
import { RateLimiter } from './rate-limiter.js';

/** Rate limits, for features that need nothing else of authentication. */
@Module({ providers: [RateLimiter], exports: [RateLimiter] })
export class RateLimiterModule {}
