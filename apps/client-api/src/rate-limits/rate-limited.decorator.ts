import { Reflector } from '@nestjs/core';
import type { RateLimit } from '../auth/rate-limiter.js';

/**
 * How often one user may call the route, or one address where the route has no user. Routes that share a name share the limit.
 * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
 */
export const RateLimited = Reflector.createDecorator<RateLimit>();
