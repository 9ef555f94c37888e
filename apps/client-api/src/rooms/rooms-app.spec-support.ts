import { loadConfig } from '@atoll/config';
import type { Command } from '@atoll/contract';
import { type Database, migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase } from '@atoll/embedded';
import { authenticateAccessToken, AuthenticatorFor, createMatrixApp, type UserRequester } from '@atoll/http';
import type { SendResult } from '@atoll/federation-client';
import type { DeviceId, JsonObject, JsonValue, UserId } from '@atoll/matrix';
import type { CommandClient, RequestOptions } from '@atoll/redis-streams';
import { RoomClient } from '@atoll/service';
import { createLogger } from '@atoll/telemetry';
import { Module, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Platform } from '../platform/platform.js';
import { PlatformModule } from '../platform/platform.module.js';
import { RoomDiscoveryModule } from './room-discovery/room-discovery.module.js';
import { RoomsModule } from './rooms.module.js';

export const ALICE = '@alice:hs1' as UserId;
export const BOB = '@bob:hs1' as UserId;
export const CAROL = '@carol:hs1' as UserId;

/** The access token is the user id. */
@AuthenticatorFor('accessToken')
class TokenIsUserId {
  authenticate(request: FastifyRequest, declaration: Parameters<typeof authenticateAccessToken>[1]) {
    return authenticateAccessToken<UserRequester>(request, declaration, (token) => ({
      userId: token as UserId,
      deviceId: 'PHONE' as DeviceId,
      isGuest: false,
    }));
  }
}

/** Stands where the stream to room-state begins: keeps what was asked, answers what the test wants. */
class AskedCommands {
  readonly asked: {
    pattern: string;
    input: JsonObject;
    idempotencyKey: string | undefined;
    timeoutMs: number | undefined;
  }[] = [];
  answer: (pattern: string, input: JsonObject) => JsonObject | Promise<JsonObject> = () => ({});

  async request(command: Command, options: RequestOptions<Command>): Promise<JsonObject> {
    const { pattern } = command;
    const input = command.input.parse(options.input) as JsonObject;
    const { idempotencyKey, timeoutMs } = options;
    this.asked.push({ pattern, input, idempotencyKey, timeoutMs });
    return Promise.resolve(this.answer(pattern, input));
  }
}

/** Other servers: keeps what they were asked, answers what the test wants. */
class AskedServers {
  readonly asked: { server: string; method: string; path: string; content: JsonValue | undefined }[] = [];
  answer: (server: string, path: string) => SendResult = () => refused(404);

  send(server: string, method: string, path: string, content?: JsonValue): Promise<SendResult> {
    this.asked.push({ server, method, path, content });
    return Promise.resolve(this.answer(server, path));
  }
}

export const answered = (body: JsonValue): SendResult => ({ outcome: 'answered', status: 200, body });
export const refused = (status: number): SendResult => {
  return { outcome: 'refused', status, errcode: 'M_UNKNOWN', body: {} };
};

export interface RoomsApp {
  readonly database: Database;
  readonly platform: Platform;
  readonly commands: AskedCommands;
  readonly servers: AskedServers;
  /** Sends a request as a user; the path follows `/_matrix/client/v3/` unless it begins with `/`. */
  call(
    user: UserId | undefined,
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: JsonObject }>;
  stop(): Promise<void>;
}

export interface RoomsAppOptions {
  readonly settings?: Record<string, string>;
  /** Beside those of rooms. */
  readonly modules?: readonly Type[];
}

/** The rooms' endpoints over HTTP on real PostgreSQL. What is sent to room-state and to other servers is recorded. */
export async function startRoomsApp({
  settings = {},
  modules = [],
}: RoomsAppOptions = {}): Promise<RoomsApp> {
  const pg = await testDatabase();
  const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'rooms-spec' });
  await migrateToLatest(database.db);
  const config = loadConfig({
    ATOLL_SERVER_NAME: 'hs1',
    ATOLL_DATABASE_URL: pg.url,
    ATOLL_REDIS_URL: 'redis://localhost',
    ...settings,
  });
  const commands = new AskedCommands();
  const logger = createLogger('client-api', 'silent');
  const servers = new AskedServers();
  const rooms = new RoomClient(commands as unknown as CommandClient, config.partitions);
  const announcer = { publish: () => undefined };
  const platform = { config, database, rooms, federation: servers, announcer, logger } as unknown as Platform;

  @Module({
    imports: [PlatformModule.of(platform), RoomsModule, RoomDiscoveryModule, ...modules],
    providers: [TokenIsUserId],
  })
  class SpecModule {}

  const app = await createMatrixApp(SpecModule, { listener: 'spec', logger });
  return {
    database,
    platform,
    commands,
    servers,
    async call(user, method, path, body) {
      const response = await app.inject({
        method,
        url: path.startsWith('/') ? path : `/_matrix/client/v3/${path}`,
        headers: user === undefined ? {} : { authorization: `Bearer ${user}` },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      });
      return { status: response.statusCode, body: response.json() };
    },
    async stop() {
      await app.close();
      await database.close();
      await pg.drop();
    },
  };
}
