import { Module } from '@nestjs/common';
import { RateLimiterModule } from '../auth/rate-limiter.module.js';
import { NewServers } from './new-servers.js';
import { OldRequestsSweep } from './old-requests-sweep.js';
import { SendToDeviceController } from './send-to-device.controller.js';
import { SendToDeviceHandler } from './send-to-device.handler.js';
import { ToDeviceWriter } from './to-device-writer.js';

/** Messages to devices, of this server and of others. Devices read theirs by sync. */
@Module({
  imports: [RateLimiterModule],
  controllers: [SendToDeviceController],
  providers: [NewServers, OldRequestsSweep, SendToDeviceHandler, ToDeviceWriter],
})
export class ToDeviceModule {}
