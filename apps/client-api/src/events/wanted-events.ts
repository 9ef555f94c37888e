import type { StoredEvent } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import type { Viewer } from './client-events.js';
import { IgnoredUsers, isIgnored } from './ignored-users.js';
import { compileFilter, type RoomEventFilter } from './room-event-filter.js';

/** Those of some events that are wanted, in the given order. */
export type SelectWanted = (events: readonly StoredEvent[]) => StoredEvent[];

/** What a user wants of a timeline: what the filter of the request lets through, and nothing that ignored users say. */
@Injectable()
export class WantedEvents {
  constructor(private readonly ignored: IgnoredUsers) {}

  /** For one answer. */
  async of({ userId }: Viewer, filter: RoomEventFilter = {}): Promise<SelectWanted> {
    const ignored = await this.ignored.of(userId);
    const matches = compileFilter(filter);
    return (events) => events.filter((event) => !isIgnored(event, ignored) && matches(event));
  }
}
