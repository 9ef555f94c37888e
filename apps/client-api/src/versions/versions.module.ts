import { Module } from '@nestjs/common';
import { VersionsController } from './versions.controller.js';

/** What this server can do. */
@Module({ controllers: [VersionsController] })
export class VersionsModule {}
