import { Module } from '@nestjs/common';
import { ClientEvents } from './client-events.js';
import { VisibleEvents } from './visible-events.js';

/** What every feature that shows events to users builds on. */
@Module({ providers: [VisibleEvents, ClientEvents], exports: [VisibleEvents, ClientEvents] })
export class EventsModule {}
