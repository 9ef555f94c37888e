import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { HealthServer, createLogger, injectTraceContext, startTelemetry, withSpan } from '@atoll/telemetry';
import type { SpanRecord } from '@atoll/telemetry';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { generate } from 'selfsigned';
import { Agent, request } from 'undici';
import { Draining, Public, RouteSettings, createMatrixApp, drainMatrixApp } from './index.js';
import type { MatrixAppOptions } from './index.js';

const logger = createLogger('test', 'silent');
const folder = mkdtempSync(join(tmpdir(), 'atoll-http-'));
const traceFile = join(folder, 'trace.jsonl');
const health = new HealthServer({ host: '127.0.0.1', port: 0 });
let healthPort: number;
const apps: NestFastifyApplication[] = [];

/** Requests to `wait` and `poll` are answered when the test says so. */
const gates: (() => void)[] = [];
const passGate = () => new Promise<void>((resolve) => gates.push(resolve));
const openGates = () => {
  for (const open of gates.splice(0)) open();
};
const gatesReach = (count: number) => eventually(() => gates.length >= count);

/** Waits for what the server does after its answer; the test's own time limit ends it. */
async function eventually(holds: () => boolean | Promise<boolean>) {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

@Public()
@Controller()
class TestController {
  constructor(@Inject(Draining) private readonly draining: Draining) {}

  @Get('rooms/:roomId')
  room() {
    return withSpan('inner', {}, () => ({ traceparent: injectTraceContext() }));
  }

  @Get('wait')
  async wait() {
    await passGate();
    return {};
  }

  @Get('poll')
  @RouteSettings({ longPoll: true })
  async poll() {
    const ended = new Promise<void>((resolve) => {
      this.draining.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    await Promise.race([passGate(), ended]);
    return { draining: this.draining.signal.aborted };
  }
}

@Module({ controllers: [TestController] })
class TestModule {}

async function start(options: Partial<MatrixAppOptions> = {}): Promise<string> {
  const app = await createMatrixApp(TestModule, { listener: 'test', logger, ...options });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

async function get(url: string, headers: Record<string, string> = {}, dispatcher?: Agent) {
  const answer = await request(url, { headers, ...(dispatcher && { dispatcher }) });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (await answer.body.json()) as Record<string, unknown>,
  };
}

async function metric(line: string): Promise<string | undefined> {
  const answer = await request(`http://127.0.0.1:${healthPort}/metrics`);
  return (await answer.body.text()).split('\n').find((candidate) => candidate.startsWith(line));
}

function spans(traceId: string): SpanRecord[] {
  const lines = readFileSync(traceFile, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as SpanRecord).filter((span) => span.traceId === traceId);
}

const traceIdOf = (traceparent: unknown) => String(traceparent).split('-')[1] ?? '';

beforeAll(async () => {
  const tracing = { exportSpans: false, sampleRatio: 1, parentBased: true };
  startTelemetry({ service: 'test', config: { tracing, traceFile, instanceId: 'test-1' } });
  healthPort = await health.listen();
});
afterEach(async () => {
  openGates();
  await Promise.all(apps.splice(0).map((app) => app.close()));
});
afterAll(async () => {
  await health.close();
  rmSync(folder, { recursive: true });
});

describe('telemetry', () => {
  test('one request is one trace with a server span and what happens inside', async () => {
    const base = await start();
    const { body } = await get(`${base}/rooms/!secret:s`);
    const traceId = traceIdOf(body['traceparent']);
    await eventually(() => spans(traceId).length === 2);
    const [inner, server] = spans(traceId);
    expect(inner).toMatchObject({ name: 'inner', parentSpanId: server?.spanId });
    expect(server).toMatchObject({
      name: 'GET /rooms/:roomId',
      failed: false,
      attributes: { 'http.response.status_code': 200 },
    });
    expect(JSON.stringify(server)).not.toContain('secret');
  });

  test('a caller continues its trace, and leaves it unsampled, only where that is allowed', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
    const closed = await start();
    const open = await start({ acceptTraceContext: true });
    expect(traceIdOf((await get(`${closed}/rooms/1`, { traceparent })).body['traceparent'])).not.toBe(
      'a'.repeat(32),
    );
    const accepted = (await get(`${open}/rooms/1`, { traceparent })).body['traceparent'];
    expect(accepted).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-00$`));
    expect(spans('a'.repeat(32))).toEqual([]);
  });

  test('the histogram names the route, not the path', async () => {
    const base = await start();
    await get(`${base}/rooms/!r:s`);
    await get(`${base}/no/such/path`);
    const count = 'atoll_http_request_duration_seconds_count';
    await eventually(
      async () => (await metric(`${count}{method="GET",route="unmatched",code="404"}`)) !== undefined,
    );
    expect(await metric(`${count}{method="GET",route="/rooms/:roomId",code="200"}`)).toBeDefined();
  });
});

describe('overload', () => {
  test('past the bound callers are told to come back, while long polls do not count', async () => {
    const base = await start({ maxInFlight: 2, listener: 'bounded' });
    const polls = [1, 2, 3].map(() => get(`${base}/poll`));
    const waits = [1, 2].map(() => get(`${base}/wait`));
    await gatesReach(5);
    expect(await metric('atoll_http_requests_in_flight{listener="bounded",kind="long_poll"}')).toMatch(/ 3$/);
    const refused = await get(`${base}/rooms/1`);
    expect(refused).toMatchObject({
      status: 503,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1000 },
    });
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'access-control-allow-origin': '*' });
    await request(`${base}/rooms/1`, { method: 'OPTIONS' });
    openGates();
    const answers = await Promise.all([...polls, ...waits]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await get(`${base}/rooms/1`)).status).toBe(200);
    const inFlight = 'atoll_http_requests_in_flight{listener="bounded",kind="short"}';
    await eventually(async () => (await metric(inFlight))?.endsWith(' 0') === true);
  });

  test('a request that its client gave up no longer counts', async () => {
    const base = await start({ maxInFlight: 1, listener: 'lossy' });
    const client = new Agent();
    const lost = get(`${base}/wait`, {}, client).catch(() => undefined);
    await gatesReach(1);
    await client.destroy();
    await lost;
    const inFlight = 'atoll_http_requests_in_flight{listener="lossy",kind="short"}';
    await eventually(async () => (await metric(inFlight))?.endsWith(' 0') === true);
    expect((await get(`${base}/rooms/1`)).status).toBe(200);
  });
});

describe('a stop', () => {
  test('fails no request, whatever is under way', async () => {
    const base = await start();
    const app = apps[0] as NestFastifyApplication;
    const waiting = get(`${base}/wait`);
    const polling = get(`${base}/poll`);
    await gatesReach(2);
    const statuses: Promise<number>[] = [];
    const router = { refused: false };
    const load = (async () => {
      // A router tries another instance when it cannot connect; anything else would be a failed request.
      while (!router.refused) {
        const sent = get(`${base}/rooms/1`).then(
          ({ status }) => status,
          (error: unknown) => {
            if ((error as { syscall?: string }).syscall !== 'connect') throw error;
            router.refused = true;
            return 0;
          },
        );
        statuses.push(sent);
        await sent;
      }
    })();
    const drained = drainMatrixApp(app, { graceMs: 100 });
    const during = await get(`${base}/rooms/1`);
    expect(during).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await polling).toMatchObject({ status: 200, body: { draining: true } });
    openGates();
    expect((await waiting).status).toBe(200);
    await drained;
    await load;
    const served = (await Promise.all(statuses)).filter((status) => status !== 0);
    expect(new Set(served)).toEqual(new Set([200]));
  });

  test('does not wait for a request for ever', async () => {
    const base = await start();
    const stuck = get(`${base}/wait`).catch(() => 'cut off');
    await gatesReach(1);
    await drainMatrixApp(apps[0] as NestFastifyApplication, { graceMs: 0, timeoutMs: 50 });
    expect(await stuck).toBe('cut off');
  });
});

test('two applications live in one process', async () => {
  const [first, second] = [await start({ listener: 'one' }), await start({ listener: 'two' })];
  await drainMatrixApp(apps[0] as NestFastifyApplication, { graceMs: 0 });
  await expect(get(`${first}/rooms/1`)).rejects.toThrow();
  expect((await get(`${second}/rooms/1`)).status).toBe(200);
});

test('a listener with a certificate speaks HTTPS', async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
  const base = await start({ tls: { cert, key }, cors: false });
  expect(base).toMatch(/^https:/);
  const client = new Agent({ connect: { ca: cert, checkServerIdentity: () => undefined } });
  const answer = await get(`${base}/rooms/1`, {}, client);
  expect(answer.status).toBe(200);
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  await client.close();
});
