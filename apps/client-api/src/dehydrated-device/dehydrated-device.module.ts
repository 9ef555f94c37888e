import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { DehydratedDeviceController } from './dehydrated-device.controller.js';
import { DehydratedEvents } from './dehydrated-events.js';
import { PutDehydratedDeviceHandler } from './put-dehydrated-device.handler.js';

/** Devices that take up keys while nobody is logged in. */
@Module({
  imports: [AuthModule, SyncModule],
  controllers: [DehydratedDeviceController],
  providers: [DehydratedEvents, PutDehydratedDeviceHandler],
})
export class DehydratedDeviceModule {}
