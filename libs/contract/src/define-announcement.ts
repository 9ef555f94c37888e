import type { z, ZodType } from 'zod';

/** A small fact told after a commit: positions and ids, never content. It is a hint; PostgreSQL is the truth. */
export interface Announcement<Payload extends ZodType = ZodType> {
  /** Past tense and unique, such as `events-committed`. */
  readonly name: string;
  readonly version: number;
  readonly payload: Payload;
}

export type AnnouncementPayload<A extends Announcement> = z.output<A['payload']>;

/** Declares an announcement once, for its publisher and its readers. */
export function defineAnnouncement<Payload extends ZodType>(
  announcement: Announcement<Payload>,
): Announcement<Payload> {
  return announcement;
}
