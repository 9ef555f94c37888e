import type { RedisConnection } from './connect-redis.js';
import { compareIds, STREAM_START } from './stream-id.js';

/** How far one stream of announcements was read, and whether anything was missed on the way. */
export class AnnouncementCursor {
  /** The last entry read; undefined until the end of the stream was looked up. */
  lastId: string | undefined;

  constructor(readonly key: string) {}

  /** Puts a new cursor behind the newest entry. */
  async begin(redis: RedisConnection): Promise<void> {
    if (this.lastId !== undefined) return;
    this.lastId = (await newestId(redis, this.key)) ?? STREAM_START;
  }

  /**
   * True when a read that began behind `from` provably missed nothing: an entry not newer than `from` is still there,
   * so nothing behind it was trimmed or flushed.
   */
  async continues(redis: RedisConnection, from: string): Promise<boolean> {
    const [oldest] = await redis.xrange(this.key, '-', '+', 'COUNT', 1);
    return oldest !== undefined && compareIds(oldest[0], from) <= 0;
  }

  /**
   * True when the stream that has nothing new still is the one that was read. Else it was flushed, or a restarted Redis
   * counts from an earlier time; then the cursor goes to its start.
   */
  async isCurrent(redis: RedisConnection): Promise<boolean> {
    if (this.lastId === undefined || this.lastId === STREAM_START) return true;
    const newest = await newestId(redis, this.key);
    if (newest !== undefined && compareIds(newest, this.lastId) >= 0) return true;
    this.lastId = STREAM_START;
    return false;
  }
}

async function newestId(redis: RedisConnection, key: string): Promise<string | undefined> {
  const [newest] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
  return newest?.[0];
}
