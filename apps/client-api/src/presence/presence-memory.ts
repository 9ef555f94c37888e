import type { UserId } from '@atoll/matrix';
import type { RedisConnection } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { REDIS } from '../platform/tokens.js';
import type { SeenDevice } from './presence-changes.js';

/** A device that syncs, and what it says of its user. */
export interface PresentDevice {
  readonly userId: UserId;
  /** '' for a user without a device. */
  readonly deviceId: string;
  readonly said: 'online' | 'unavailable';
}

/** How long ago a user last synced, in ms: by a device that said so. */
export interface SyncAges {
  readonly online: number;
  readonly unavailable: number;
}

/** Who has not synced for so long does not sync. Three times what a waiting sync lets pass between two touches. */
export const SYNC_LASTS_MS = 30_000;
const MAX_BATCH = 500;

const key = (name: string) => `{atoll:presence}:${name}`;
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: the set of what the device says, the other set. ARGV: how long a sync lasts, user, device. */
const TOUCH = `${NOW}
local lasts, user, device = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local function isFresh(score) return score and now - score <= lasts end
local same = isFresh(redis.call('ZSCORE', KEYS[1], device))
redis.call('ZADD', KEYS[1], now, user, now, device)
local left = redis.call('ZSCORE', KEYS[2], device)
if left then
  redis.call('ZREM', KEYS[2], device)
  if redis.call('ZSCORE', KEYS[2], user) == left then redis.call('ZREM', KEYS[2], user) end
end
return {same and 1 or 0, (same or isFresh(left)) and 1 or 0, isFresh(redis.call('ZSCORE', KEYS[2], user)) and 1 or 0}`;

/** ARGV: users and devices by turns. No two get the same score, by which TOUCH sees which device was the last. */
const TOUCH_AGAIN = `${NOW}
for i = 1, #ARGV, 2 do
  local at = now + i / 2048
  redis.call('ZADD', KEYS[1], at, ARGV[i], at, ARGV[i + 1])
end`;

/** KEYS: since when the memory is whole, both sets. ARGV: how long it has to be, users. Nothing while it is not. */
const AGES = `${NOW}
local since = redis.call('GET', KEYS[1])
if not since then
  redis.call('SET', KEYS[1], now)
  return {}
end
if now - since < tonumber(ARGV[1]) then return {} end
local ages = {}
for i = 2, #ARGV do
  for set = 2, 3 do
    local score = redis.call('ZSCORE', KEYS[set], ARGV[i])
    ages[#ages + 1] = score and math.max(0, math.floor(now - score)) or -1
  end
end
return ages`;

const FORGET = `${NOW}
for set = 1, 2 do redis.call('ZREMRANGEBYSCORE', KEYS[set], '-inf', now - tonumber(ARGV[1])) end`;

/**
 * Redis keeps when users last synced, by its own clock: two sorted sets, of those who are there and of those who are idle. Users are
 * members by themselves, and by each of their devices. A user's score is that of the device that synced last.
 */
@Injectable()
export class PresenceMemory {
  private hasHole = false;

  constructor(@Inject(REDIS) private readonly redis: RedisConnection) {}

  /** A device begins to sync. `isKnown`: it has synced of late, whatever it said. */
  async touch(device: PresentDevice): Promise<SeenDevice & { readonly isKnown: boolean }> {
    const otherSaid = device.said === 'online' ? 'unavailable' : 'online';
    const [same, known, other] = (await this.run(() =>
      this.redis.eval(TOUCH, 2, key(device.said), key(otherSaid), SYNC_LASTS_MS, ...members(device)),
    )) as [number, number, number];
    return { isSame: same === 1, isKnown: known === 1, isOnline: device.said === 'online' || other === 1 };
  }

  /** Devices go on syncing. */
  async touchAgain(devices: readonly PresentDevice[]): Promise<void> {
    for (const said of ['online', 'unavailable'] as const) {
      const all = devices.filter((device) => device.said === said);
      for (let i = 0; i < all.length; i += MAX_BATCH) {
        const batch = all.slice(i, i + MAX_BATCH).flatMap(members);
        await this.run(() => this.redis.eval(TOUCH_AGAIN, 1, key(said), ...batch));
      }
    }
  }

  /**
   * How long ago each of the users synced; undefined while Redis has not heard from all processes for `wholeForMs`: it was
   * flushed or out of reach, and who is not in it may be syncing all the same.
   */
  async ages(users: readonly UserId[], wholeForMs: number): Promise<SyncAges[] | undefined> {
    const keys = [key('whole-since'), key('online'), key('unavailable')];
    const ages = (await this.run(() =>
      this.redis.eval(AGES, keys.length, ...keys, wholeForMs, ...users),
    )) as number[];
    if (ages.length < 2 * users.length) return undefined;
    const ageAt = (index: number) => (ages[index] === -1 ? Infinity : (ages[index] ?? Infinity));
    return users.map((_, i) => ({ online: ageAt(2 * i), unavailable: ageAt(2 * i + 1) }));
  }

  /** Forgets those who have not synced for so long. */
  async forget(olderThanMs: number): Promise<void> {
    await this.run(() => this.redis.eval(FORGET, 2, key('online'), key('unavailable'), olderThanMs));
  }

  /** Whether this process is to sweep; then nobody else is for `forMs`. */
  async takeSweep(forMs: number): Promise<boolean> {
    return (await this.run(() => this.redis.set(key('sweep'), '1', 'PX', forMs, 'NX'))) === 'OK';
  }

  /** What could not be told to Redis makes its memory incomplete. */
  private async run<T>(command: () => Promise<T>): Promise<T> {
    try {
      if (this.hasHole) await this.redis.del(key('whole-since'));
      this.hasHole = false;
      return await command();
    } catch (error) {
      this.hasHole = true;
      throw error;
    }
  }
}

function members({ userId, deviceId }: PresentDevice): [string, string] {
  return [userId, `${userId} ${deviceId}`];
}
