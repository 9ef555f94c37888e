import type { AddressInfo } from 'node:net';
import type { Config } from '@atoll/config';
import { pingDatabase, ServerKeyReader } from '@atoll/database';
import { createMatrixApp, drainMatrixApp } from '@atoll/http';
import { Announcer } from '@atoll/redis-streams';
import { ServerKeys } from '@atoll/server-keys';
import type { RunningService } from '@atoll/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { FederationAuthenticator } from './authentication/federation.authenticator.js';
import { ReachablePeers } from './authentication/reachable-peers.js';
import { RequestSignatures } from './authentication/request-signatures.js';
import { GetEduTypesController, TAKES_PRESENCE } from './get-edu-types/get-edu-types.controller.js';
import { GetServerKeyController } from './get-server-key/get-server-key.controller.js';
import { OwnServerKeys } from './get-server-key/own-server-keys.js';
import { GetVersionController } from './get-version/get-version.controller.js';
import { openPlatform, type Platform } from './platform.js';
import { NotaryAnswers } from './query-keys/notary-answers.js';
import { QueryKeysController } from './query-keys/query-keys.controller.js';
import { RoomMembershipsModule } from './room-memberships.module.js';
import { RoomReadsModule } from './room-reads.module.js';
import { SendTransactionModule } from './send-transaction/send-transaction.module.js';
import { tlsCertificate } from './tls-certificate.js';
import { UserKeysModule } from './user-keys.module.js';

/** The server-server API and the key server. */
@Module({
  controllers: [GetEduTypesController, GetServerKeyController, QueryKeysController, GetVersionController],
  providers: [FederationAuthenticator],
})
export class FederationReceiverModule {
  static on(platform: Platform): DynamicModule {
    const { config, database, redis, signingKey, federation, logger } = platform;
    const { serverName } = config;
    const reader = new ServerKeyReader(database);
    const ownKeys = new OwnServerKeys(serverName, signingKey);
    const keys = new ServerKeys({
      serverName,
      ownKey: signingKey,
      database,
      federation,
      notaries: config.trustedKeyServers,
    });
    const providers = [
      { provide: TAKES_PRESENCE, useValue: config.presence },
      { provide: OwnServerKeys, useValue: ownKeys },
      { provide: NotaryAnswers, useValue: new NotaryAnswers(serverName, signingKey, ownKeys, reader, keys) },
      { provide: RequestSignatures, useValue: new RequestSignatures(serverName, keys) },
      { provide: ReachablePeers, useValue: new ReachablePeers(database, new Announcer(redis), logger) },
    ];
    const reads = RoomReadsModule.on(platform);
    return {
      module: FederationReceiverModule,
      imports: [
        reads,
        RoomMembershipsModule.on(platform, reads),
        SendTransactionModule.on(platform, keys),
        UserKeysModule.on(platform),
      ],
      providers,
    };
  }
}

/** The service while it serves. */
export interface RunningFederationReceiver extends RunningService {
  /** Where it listens: matters when the configured port is 0. */
  readonly port: number;
}

/** Starts the HTTPS listener for other servers in this process. The schema must be current. */
export async function startFederationReceiver(config: Config): Promise<RunningFederationReceiver> {
  const platform = await openPlatform(config);
  const app = await createMatrixApp(FederationReceiverModule.on(platform), {
    listener: 'federation',
    logger: platform.logger,
    cors: false,
    trustedProxies: config.trustedProxies,
    acceptTraceContext: config.acceptTraceContext,
    tls: await tlsCertificate(config, platform.logger),
  });
  await app.listen(config.federationPort, config.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    name: 'federation-receiver',
    port,
    check: () => pingDatabase(platform.database),
    close: async () => {
      await drainMatrixApp(app, { graceMs: config.drainSeconds * 1000 });
      await app.close();
      await platform.close();
    },
  };
}
