import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { GetRelatingEventsController } from './get-relating-events/get-relating-events.controller.js';
import { GetRelatingEventsHandler } from './get-relating-events/get-relating-events.handler.js';
import { GetThreadRootsController } from './get-thread-roots/get-thread-roots.controller.js';
import { GetThreadRootsHandler } from './get-thread-roots/get-thread-roots.handler.js';
import { ThreadPages } from './get-thread-roots/thread-pages.js';

/** The children of events, and the threads of rooms. What is bundled with events is in the `EventsModule`. */
@Module({
  imports: [EventsModule, RoomsModule],
  controllers: [GetRelatingEventsController, GetThreadRootsController],
  providers: [GetRelatingEventsHandler, GetThreadRootsHandler, ThreadPages],
})
export class RelationsModule {}
