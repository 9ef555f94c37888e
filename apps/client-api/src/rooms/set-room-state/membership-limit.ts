import type { JsonObject } from '@atoll/matrix';
import type { RateLimit } from '../../auth/rate-limiter.js';

/** Of the endpoints that make the same events: a client that writes them itself may not do it more often. */
const LIMITS: ReadonlyMap<unknown, RateLimit> = new Map<unknown, RateLimit>([
  ['join', 'join'],
  ['knock', 'join'],
  ['invite', 'invite'],
]);

/** What limits a state event by its content, beside what limits state events. */
export function membershipLimitOf(type: string, content: JsonObject): RateLimit | undefined {
  return type === 'm.room.member' ? LIMITS.get(content['membership']) : undefined;
}
