import type { UserRequester } from '@atoll/http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { type RateLimit, RateLimiter } from '../auth/rate-limiter.js';
import { RateLimited } from './rate-limited.decorator.js';

/** Counts requests to routes that are {@link RateLimited}, over all instances, before their input is looked at. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limiter: RateLimiter,
  ) {}

  /** @throws MatrixError 429 M_LIMIT_EXCEEDED with `retry_after_ms` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const limit = this.reflector.getAllAndOverride<RateLimit | undefined>(RateLimited, targets);
    if (limit === undefined) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const requester = request.requester as UserRequester | undefined;
    await this.limiter.take(limit, requester?.userId ?? request.ip);
    return true;
  }
}
