import type { Announcement, AnnouncementPayload } from '@atoll/contract';
import { injectTraceContext } from '@atoll/telemetry';
import type { RedisConnection } from './connect-redis.js';
import { announcementKey } from './keys.js';
import { announced, announcementsFailed } from './stream-metrics.js';
import { StreamWriter } from './stream-writer.js';

/** Announcements that a stream keeps at least for readers that lag; who lags more reads PostgreSQL. */
const KEEP = 10_000;

/** Tells all interested instances what was committed. Call it after the commit. */
export class Announcer {
  private readonly writer: StreamWriter;

  constructor(redis: RedisConnection) {
    this.writer = new StreamWriter(redis, { maxLength: KEEP });
  }

  /** Returns at once and never fails: readers that miss it find out and read PostgreSQL. */
  publish<A extends Announcement>({ name, version }: A, payload: AnnouncementPayload<A>): void {
    announced.add(1, { name });
    const message = JSON.stringify({ version, traceparent: injectTraceContext(), payload });
    this.writer.write(announcementKey(name), message).catch(() => {
      announcementsFailed.add(1, { name });
    });
  }
}
