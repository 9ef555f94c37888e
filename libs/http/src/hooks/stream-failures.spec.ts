import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createLogger, startTelemetry } from '@atoll/telemetry';
import type { Telemetry } from '@atoll/telemetry';
import { Controller, Get, Module, StreamableFile } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { request } from 'undici';
import { Public, createMatrixApp } from '../index.js';

interface LogLine {
  readonly msg: string;
  readonly trace_id?: string;
  readonly err: { readonly message: string };
}

const folder = mkdtempSync(join(tmpdir(), 'atoll-http-'));
const TRACE_ID = 'a'.repeat(32);
const lines: LogLine[] = [];
const logger = createLogger('test', 'error', {
  write: (line) => void lines.push(JSON.parse(line) as LogLine),
});
const sent = { chunks: 0 };

@Public()
@Controller()
class TestController {
  @Get('fails/:after')
  fails() {
    return new StreamableFile(Readable.from(failing(1)), { type: 'application/json' });
  }

  @Get('fails-at-once')
  failsAtOnce() {
    return new StreamableFile(Readable.from(failing(0)), { type: 'application/json' });
  }

  @Get('endless')
  endless() {
    return new StreamableFile(Readable.from(failing(Infinity)), { type: 'application/json' });
  }
}

async function* failing(after: number): AsyncGenerator<string, void> {
  for (sent.chunks = 0; sent.chunks < after; sent.chunks += 1) {
    yield '[1,';
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the rest is lost');
}

@Module({ controllers: [TestController] })
class TestModule {}

let telemetry: Telemetry;
let app: NestFastifyApplication;
let base: string;

beforeAll(async () => {
  const tracing = { exportSpans: false, sampleRatio: 1, parentBased: true };
  const traceFile = join(folder, 'trace.jsonl');
  telemetry = startTelemetry({ service: 'test', config: { tracing, traceFile, instanceId: 'test-1' } });
  app = await createMatrixApp(TestModule, { listener: 'test', logger, acceptTraceContext: true });
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});
beforeEach(() => {
  lines.length = 0;
});
afterAll(async () => {
  await app.close();
  await telemetry.shutdown();
  rmSync(folder, { recursive: true });
});

const get = (path: string) =>
  request(base + path, { headers: { traceparent: `00-${TRACE_ID}-${'b'.repeat(16)}-01` } });

test('an answer that fails in the middle is cut off and logged once, with its trace', async () => {
  const { statusCode, body } = await get('/fails/secret');
  expect(statusCode).toBe(200);
  await expect(body.text()).rejects.toThrow();
  expect(lines).toMatchObject([
    {
      msg: 'GET /fails/:after failed in the middle of its answer',
      trace_id: TRACE_ID,
      err: { message: 'the rest is lost' },
    },
  ]);
});

test('an answer that fails before its head is an error like any other', async () => {
  const { statusCode, body } = await get('/fails-at-once');
  expect([statusCode, await body.json()]).toMatchObject([500, { errcode: 'M_UNKNOWN' }]);
  expect(lines).toMatchObject([{ msg: 'GET /fails-at-once failed', trace_id: TRACE_ID }]);
});

test('a client that goes away is no failure', async () => {
  const { body } = await get('/endless');
  body.on('error', () => undefined).destroy();
  let before = -1;
  while (before < sent.chunks) {
    before = sent.chunks;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(lines).toEqual([]);
});
