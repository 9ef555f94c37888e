import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '@atoll/config';
import { AccessTokenResolver, MediaReader, pingDatabase } from '@atoll/database';
import { createMatrixApp, drainMatrixApp } from '@atoll/http';
import type { RunningService } from '@atoll/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { AccessTokenAuthenticator } from './authentication/access-token.authenticator.js';
import { GetConfigController } from './get-config/get-config.controller.js';
import { FrozenContentController } from './get-content/frozen-content.controller.js';
import { GetContentController } from './get-content/get-content.controller.js';
import { MediaLimits } from './media-limits.js';
import { openPlatform, type Platform } from './platform.js';
import { DiskStorage } from './storage/disk-storage.js';
import { UploadContentController } from './upload-content/upload-content.controller.js';
import { UploadContentHandler } from './upload-content/upload-content.handler.js';

/** A slow line must be able to send the largest upload. */
const REQUEST_TIMEOUT_MS = 10 * 60_000;

/** The content repository. */
@Module({
  controllers: [UploadContentController, GetContentController, FrozenContentController, GetConfigController],
  providers: [AccessTokenAuthenticator],
})
export class MediaModule {
  static on({ config, database, storage }: Platform): DynamicModule {
    const limits = new MediaLimits(config.maxUploadBytes);
    const upload = new UploadContentHandler(config.serverName, limits, storage, database);
    const providers = [
      { provide: MediaLimits, useValue: limits },
      { provide: DiskStorage, useValue: storage },
      { provide: MediaReader, useValue: new MediaReader(database) },
      { provide: UploadContentHandler, useValue: upload },
      { provide: AccessTokenResolver, useValue: new AccessTokenResolver(database) },
    ];
    return { module: MediaModule, providers };
  }
}

/** The service, ready for requests that its server is given. */
export interface OpenMedia extends RunningService {
  readonly server: Server;
}

/** The service while it serves. */
export interface RunningMedia extends OpenMedia {
  /** Where it listens: matters when the configured port is 0. */
  readonly port: number;
}

/** Starts the content repository in this process, but does not listen. The schema must be current. */
export async function openMedia(config: Config): Promise<OpenMedia> {
  const { media, app } = await open(config);
  await app.getHttpAdapter().getInstance().ready();
  return media;
}

/** Starts the content repository in this process. The schema must be current. */
export async function startMedia(config: Config): Promise<RunningMedia> {
  const { media, app } = await open(config);
  await app.listen(config.clientPort, config.host);
  return { ...media, port: (media.server.address() as AddressInfo).port };
}

async function open(config: Config) {
  const platform = await openPlatform(config);
  const app = await createMatrixApp(MediaModule.on(platform), {
    listener: 'media',
    logger: platform.logger,
    trustedProxies: config.trustedProxies,
    acceptTraceContext: config.acceptTraceContext,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  const media: OpenMedia = {
    name: 'media',
    server: app.getHttpServer(),
    check: () => pingDatabase(platform.database),
    close: async () => {
      await drainMatrixApp(app, { graceMs: config.drainSeconds * 1000 });
      await app.close();
      await platform.close();
    },
  };
  return { app, media };
}
