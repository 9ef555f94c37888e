import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '@atoll/config';
import { pingDatabase } from '@atoll/database';
import { createMatrixApp, drainMatrixApp } from '@atoll/http';
import type { RunningService } from '@atoll/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccountDataModule } from './account-data/account-data.module.js';
import { AccountModule } from './account/account.module.js';
import { AdminModule } from './admin/admin.module.js';
import { AuthModule } from './auth/auth.module.js';
import { DehydratedDeviceModule } from './dehydrated-device/dehydrated-device.module.js';
import { DelayedEventsModule } from './delayed-events/delayed-events.module.js';
import { DeviceModule } from './device/device.module.js';
import { FilterModule } from './filter/filter.module.js';
import { KeyBackupModule } from './key-backup/key-backup.module.js';
import { KeysModule } from './keys/keys.module.js';
import { OldSyncModule } from './old-sync/old-sync.module.js';
import { openPlatform, type Platform } from './platform/platform.js';
import { PlatformModule } from './platform/platform.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { ProfileModule } from './profile/profile.module.js';
import { PushRulesModule } from './push-rules/push-rules.module.js';
import { RateLimitGuard } from './rate-limits/rate-limit.guard.js';
import { ReceiptsModule } from './receipts/receipts.module.js';
import { RelationsModule } from './relations/relations.module.js';
import { RendezvousModule } from './rendezvous/rendezvous.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { RoomDiscoveryModule } from './rooms/room-discovery/room-discovery.module.js';
import { RoomsModule } from './rooms/rooms.module.js';
import { SearchModule } from './search/search.module.js';
import { ServerNoticesModule } from './server-notices/server-notices.module.js';
import { SlidingSyncModule } from './sliding-sync/sliding-sync.module.js';
import { RtcModule } from './rtc/rtc.module.js';
import { SyncModule } from './sync/sync.module.js';
import { TagsModule } from './tags/tags.module.js';
import { ThirdPartyModule } from './third-party/third-party.module.js';
import { ThreadSubscriptionsModule } from './thread-subscriptions/thread-subscriptions.module.js';
import { ToDeviceModule } from './to-device/to-device.module.js';
import { TypingModule } from './typing/typing.module.js';
import { UsersModule } from './users/users.module.js';
import { VersionsModule } from './versions/versions.module.js';
import { WellKnownModule } from './well-known/well-known.module.js';

/** The client-server API: each feature is a module of its own, which injects the platform. */
@Module({
  imports: [
    AuthModule,
    AccountModule,
    AccountDataModule,
    AdminModule,
    DehydratedDeviceModule,
    DelayedEventsModule,
    DeviceModule,
    FilterModule,
    KeyBackupModule,
    KeysModule,
    OldSyncModule,
    PresenceModule,
    ProfileModule,
    PushRulesModule,
    ReceiptsModule,
    RelationsModule,
    RendezvousModule,
    ReportsModule,
    RoomDiscoveryModule,
    RoomsModule,
    SearchModule,
    ServerNoticesModule,
    SlidingSyncModule,
    RtcModule,
    SyncModule,
    TagsModule,
    ThirdPartyModule,
    ThreadSubscriptionsModule,
    ToDeviceModule,
    TypingModule,
    UsersModule,
    VersionsModule,
    WellKnownModule,
  ],
  providers: [{ provide: APP_GUARD, useClass: RateLimitGuard }],
})
export class ClientApiModule {
  static on(platform: Platform): DynamicModule {
    return { module: ClientApiModule, imports: [PlatformModule.of(platform)] };
  }
}

/** The service while it serves; `port` matters when the configured one is 0, `server` where others share the listener. */
export interface RunningClientApi extends RunningService {
  readonly port: number;
  readonly server: Server;
}

/** Starts the client-server API in this process. The schema must be current. */
export async function startClientApi(config: Config): Promise<RunningClientApi> {
  const platform = await openPlatform(config);
  const app = await createMatrixApp(ClientApiModule.on(platform), {
    listener: 'client',
    logger: platform.logger,
    trustedProxies: config.trustedProxies,
    acceptTraceContext: config.acceptTraceContext,
  });
  await app.listen(config.clientPort, config.host);
  const server = app.getHttpServer();
  const { port } = server.address() as AddressInfo;
  return {
    name: 'client-api',
    port,
    server,
    check: () => pingDatabase(platform.database),
    close: async () => {
      await drainMatrixApp(app, { graceMs: config.drainSeconds * 1000 });
      await app.close();
      await platform.close();
    },
  };
}
