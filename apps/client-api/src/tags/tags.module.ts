import { Module } from '@nestjs/common';
import { AccountDataModule } from '../account-data/account-data.module.js';
import { TagsController } from './tags.controller.js';

/** Tags of rooms. */
@Module({ imports: [AccountDataModule], controllers: [TagsController] })
export class TagsModule {}
