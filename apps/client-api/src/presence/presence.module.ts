import { Module } from '@nestjs/common';
import { PresenceActivityModule } from './presence-activity.module.js';
import { PresenceMemory } from './presence-memory.js';
import { PresenceSweep } from './presence-sweep.js';
import { PresenceController } from './presence.controller.js';
import { SyncingDevices } from './syncing-devices.js';

/** Who is online: as users set it, as their syncs and activity show it. */
@Module({
  imports: [PresenceActivityModule],
  controllers: [PresenceController],
  providers: [PresenceMemory, PresenceSweep, SyncingDevices],
  exports: [PresenceActivityModule, SyncingDevices],
})
export class PresenceModule {}
