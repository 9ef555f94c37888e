import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { DeviceController } from './device.controller.js';

/** Devices of the requester. */
@Module({ imports: [AuthModule], controllers: [DeviceController] })
export class DeviceModule {}
