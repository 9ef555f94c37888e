import { Module } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Draining } from './hooks/draining.js';

/** Wraps an app's root module with what every listener has; `Draining` can be injected anywhere. */
@Module({})
export class MatrixHttpModule {
  static around(rootModule: Type | DynamicModule, draining: Draining): DynamicModule {
    return {
      module: MatrixHttpModule,
      global: true,
      imports: [rootModule, DiscoveryModule],
      providers: [{ provide: Draining, useValue: draining }],
      exports: [Draining],
    };
  }
}
