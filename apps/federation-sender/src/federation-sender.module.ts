import type { Config } from '@atoll/config';
import { pingDatabase } from '@atoll/database';
import { PartitionLeases } from '@atoll/leases';
import { NestPinoLogger, type RunningService } from '@atoll/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { openPlatform, type Platform } from './platform.js';

const KIND = 'federation-sender';

/** Owns its share of the destinations. What is to be sent to them is not sent yet. */
@Module({})
export class FederationSenderModule {
  static on({ config, instance, leaseDatabase }: Platform): DynamicModule {
    const { partitions } = config;
    const leases = new PartitionLeases({ database: leaseDatabase, kind: KIND, instance, partitions });
    return { module: FederationSenderModule, providers: [{ provide: PartitionLeases, useValue: leases }] };
  }
}

/** Starts the service in this process: it joins its peers and takes over its share of the partitions. */
export async function startFederationSender(config: Config): Promise<RunningService> {
  const platform = await openPlatform(config);
  const app = await NestFactory.createApplicationContext(FederationSenderModule.on(platform), {
    logger: new NestPinoLogger(platform.logger),
    abortOnError: false,
  });
  const leases = app.get(PartitionLeases);
  await leases.start();
  return {
    name: KIND,
    check: () => pingDatabase(platform.leaseDatabase),
    close: async () => {
      await leases.leave();
      await app.close();
      await platform.close();
    },
  };
}
