import { Module } from '@nestjs/common';
import { RtcTransportsController } from './rtc-transports.controller.js';

/** What calls need of a homeserver, beside delayed events. */
@Module({ controllers: [RtcTransportsController] })
export class RtcModule {}
