import { startRedis, testRedis, type RedisServer } from '@atoll/embedded';
import type { CustomStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, type RedisConnection } from '../connect-redis.js';
import { ReplyStream } from '../reply-stream.js';
import { CommandClient, type CommandClientOptions } from '../stream.client.js';
import { StreamServer, type StreamServerOptions } from '../stream.server.js';
import { CachedOwners, Ownership } from './ownership.spec-support.js';
import type { RedisGroup } from './redis-groups.spec-support.js';
import { WorkController, type Handle } from './work.spec-support.js';

/** A Redis with servers and clients of one service, as a spec wants them; `stop` ends all. */
export class Transport {
  readonly ownership = new Ownership();
  private readonly stops: (() => Promise<void>)[] = [];
  private constructor(
    private redisServer: Pick<RedisServer, 'stop' | 'port'>,
    private readonly url: string,
  ) {}

  /** On a Redis of its own, or on the given group of them. */
  static async start(group?: RedisGroup): Promise<Transport> {
    if (group) return new Transport({ ...group, port: 0 }, group.url);
    const server = await testRedis();
    return new Transport(server, server.url);
  }

  connect(name: string): RedisConnection {
    const redis = connectRedis(this.url, name);
    this.stops.push(() => {
      redis.disconnect();
      return Promise.resolve();
    });
    return redis;
  }

  async connected(name: string): Promise<RedisConnection> {
    const redis = this.connect(name);
    await once(redis, 'ready');
    return redis;
  }

  async server(instance: string, handle: Handle, overrides: Partial<StreamServerOptions> = {}) {
    const redis = this.connect(instance);
    const gate = this.ownership.gate(instance);
    const strategy = new StreamServer({ redis, service: 'test', instance, gate, ...overrides });
    const module = await Test.createTestingModule({
      controllers: [WorkController],
      providers: [{ provide: 'handle', useValue: handle }],
    }).compile();
    module.useLogger(false);
    const app = module.createNestMicroservice<CustomStrategy>({ strategy });
    await app.listen();
    this.stops.push(() => app.close());
    return strategy;
  }

  client(options: Partial<CommandClientOptions> = {}) {
    const redis = this.connect('client');
    const replies = new ReplyStream(redis, `client-${randomUUID()}`);
    replies.start();
    const owners = new CachedOwners(this.ownership);
    const client = new CommandClient({ redis, service: 'test', replies, owners, ...options });
    this.stops.push(async () => {
      client.stop();
      await replies.stop();
    });
    return { client, owners, redis };
  }

  /** Takes Redis away; `restoreRedis` brings an empty one back at the same address. */
  async stopRedis(): Promise<void> {
    await this.redisServer.stop();
  }

  async restoreRedis(): Promise<void> {
    const dataDir = await mkdtemp(join(tmpdir(), 'atoll-test-redis-'));
    const server = await startRedis({ dataDir, port: this.redisServer.port, persistent: false });
    this.redisServer = server;
    const admin = connectRedis(server.url, 'admin');
    await once(admin, 'ready');
    await admin.config('SET', 'requirepass', new URL(this.url).password);
    admin.disconnect();
  }

  async stop(): Promise<void> {
    for (const stop of this.stops.reverse()) await stop();
    await this.redisServer.stop();
  }
}

/** Resolves when `condition` holds. @throws Error after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('What was waited for did not happen');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
