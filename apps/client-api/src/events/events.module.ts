import { Module } from '@nestjs/common';
import { BundledAggregations } from '../relations/bundled-aggregations.js';
import { CountedChildrenOf } from '../relations/counted-children.js';
import { RelatedEvents } from '../relations/related-events.js';
import { ClientEvents } from './client-events.js';
import { IgnoredUsers } from './ignored-users.js';
import { VisibleEvent } from './visible-event.js';
import { VisibleEvents } from './visible-events.js';
import { WantedEvents } from './wanted-events.js';

/** What every feature that shows events to users builds on. */
@Module({
  providers: [
    BundledAggregations,
    ClientEvents,
    CountedChildrenOf,
    IgnoredUsers,
    RelatedEvents,
    VisibleEvent,
    VisibleEvents,
    WantedEvents,
  ],
  exports: [ClientEvents, IgnoredUsers, RelatedEvents, VisibleEvent, VisibleEvents, WantedEvents],
})
export class EventsModule {}
