import { AggregationReader, type StoredEvent } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { RoomEventFilter } from '../events/room-event-filter.js';
import { CountedChildrenOf } from './counted-children.js';

/** What a filter wants events to be related by. */
export type RelatedBy = Pick<RoomEventFilter, 'related_by_rel_types' | 'related_by_senders'>;

/** Finds events by what relates to them. */
@Injectable()
export class RelatedEvents {
  constructor(
    private readonly aggregations: AggregationReader,
    private readonly countedChildren: CountedChildrenOf,
  ) {}

  /**
   * Those to which an event relates that the user may see, which is of a type and by a sender that the filter names; not of an ignored
   * sender, nor redacted. For a filter that names neither it is all, without a query.
   * @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/3440-threading-via-relations.md
   */
  async among(
    userId: UserId,
    events: readonly StoredEvent[],
    { related_by_rel_types: relTypes, related_by_senders: senders }: RelatedBy,
  ): Promise<readonly StoredEvent[]> {
    if (events.length === 0 || (relTypes === undefined && senders === undefined)) return events;
    const roomNids = [...new Set(events.map(({ roomNid }) => roomNid))];
    const counted = await this.countedChildren.of(userId, roomNids);
    const related = await this.aggregations.related(events, { relTypes, senders }, counted);
    return events.filter(({ eventNid }) => related.has(eventNid));
  }
}
