import type { StoredEvent } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { RelatedEvents } from '../relations/related-events.js';
import type { Viewer } from './client-events.js';
import { IgnoredUsers, isIgnored } from './ignored-users.js';
import { compileFilter, type RoomEventFilter } from './room-event-filter.js';

/** Those of some events that are wanted, in the given order. */
export type SelectWanted = (events: readonly StoredEvent[]) => Promise<readonly StoredEvent[]>;

/** What a user wants of a timeline: what the filter of the request lets through, and nothing that ignored users say. */
@Injectable()
export class WantedEvents {
  constructor(
    private readonly ignored: IgnoredUsers,
    private readonly related: RelatedEvents,
  ) {}

  /** For one answer. */
  async of({ userId }: Viewer, filter: RoomEventFilter = {}): Promise<SelectWanted> {
    const ignored = await this.ignored.of(userId);
    const matches = compileFilter(filter);
    return (events) => {
      const matching = events.filter((event) => !isIgnored(event, ignored) && matches(event));
      return this.related.among(userId, matching, filter);
    };
  }
}
