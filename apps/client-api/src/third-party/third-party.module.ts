import { Module } from '@nestjs/common';
import { ThirdPartyController } from './third-party.controller.js';

/** Lookups of third-party networks. */
@Module({ controllers: [ThirdPartyController] })
export class ThirdPartyModule {}
