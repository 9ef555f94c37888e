import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newTransactionId, path, register, type Answer, type Cluster, type TestUser } from '@atoll/testing';
import { Redis } from 'ioredis';
import { startSmallCluster } from './small-cluster.js';

const EACH = 150;
const SENDERS = 2;

let cluster: Cluster;
let redis: Redis;
let senders: TestUser[];
let bob: TestUser;
beforeAll(async () => {
  cluster = await startSmallCluster();
  redis = new Redis(cluster.redisUrl);
  senders = await Promise.all(
    Array.from({ length: SENDERS }, (_, i) => register(cluster.clientUrl, `sender${i}`)),
  );
  bob = await register(cluster.clientUrl, 'bob');
}, 120_000);
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

/** The same request again and again until it is answered. */
async function insist(request: () => Promise<Answer>): Promise<Answer> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await request().catch((error: unknown) => error);
    if (typeof answer === 'object' && answer !== null && 'status' in answer && answer.status === 200) {
      return answer as Answer;
    }
    if (Date.now() > deadline) throw new Error(`not answered: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let acknowledged = 0;

async function sendAll(user: TestUser): Promise<void> {
  for (let n = 0; n < EACH; n += 1) {
    const target = path`/v3/sendToDevice/m.test/${newTransactionId()}`;
    const body = { messages: { [bob.userId]: { '*': { n } } } };
    await insist(() => user.request('PUT', target, body));
    acknowledged += 1;
  }
}

const received = new Map<string, unknown[]>();
let count = 0;

async function readAll(): Promise<void> {
  let since = '';
  while (count < EACH * SENDERS) {
    const target = `/v3/sync?timeout=1000${since && `&since=${since}`}`;
    const { body } = await insist(() => bob.request('GET', target));
    since = String(body['next_batch']);
    const { events = [] } = (body['to_device'] ?? {}) as {
      events?: { sender: string; content: { n: unknown } }[];
    };
    for (const { sender, content } of events) {
      count += 1;
      received.set(sender, [...(received.get(sender) ?? []), content.n]);
    }
  }
}

test('messages to a device arrive once and in order though instances are killed and Redis forgets all', async () => {
  const sending = Promise.all(senders.map(sendAll));
  const reading = readAll();
  for (const instance of cluster.instances('client-api')) {
    const before = acknowledged;
    while (acknowledged === before) await new Promise((resolve) => setTimeout(resolve, 5));
    await instance.kill('SIGKILL');
    await redis.flushall();
    await instance.start();
  }
  await sending;
  await reading;
  for (const { userId } of senders) {
    expect(received.get(userId)).toEqual(Array.from({ length: EACH }, (_, n) => n));
  }
}, 180_000);
