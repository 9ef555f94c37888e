import { Module } from '@nestjs/common';
import { PresenceActivity } from './presence-activity.js';
import { PresenceWriter } from './presence-writer.js';
import { RecentPresence } from './recent-presence.js';

/** The part of presence that other features tell of what users do. */
@Module({
  providers: [PresenceActivity, PresenceWriter, RecentPresence],
  exports: [PresenceActivity, PresenceWriter, RecentPresence],
})
export class PresenceActivityModule {}
