import { Module } from '@nestjs/common';
import { FilterController } from './filter.controller.js';

/** Filters that users upload to name them later. */
@Module({ controllers: [FilterController] })
export class FilterModule {}
