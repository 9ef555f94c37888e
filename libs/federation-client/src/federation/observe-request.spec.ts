import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MatrixError } from '@atoll/matrix';
import { HealthServer, type SpanRecord, startTelemetry, type Telemetry } from '@atoll/telemetry';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { observed } from './observe-request.js';

const folder = mkdtempSync(join(tmpdir(), 'atoll-trace-'));
const traceFile = join(folder, 'trace.jsonl');
let telemetry: Telemetry;

beforeAll(() => {
  const tracing = { exportSpans: false, sampleRatio: 1, parentBased: true };
  telemetry = startTelemetry({ service: 'test', config: { tracing, traceFile, instanceId: 'test-1' } });
});
afterAll(async () => {
  await telemetry.shutdown();
  rmSync(folder, { recursive: true });
});

const request = {
  destination: 'hs2.test',
  method: 'GET',
  path: '/_matrix/federation/v1/event/%24secret',
} as const;

it('makes a client span and a duration of each request, by outcome, without the ids in its path', async () => {
  const error = new MatrixError(504, 'M_UNKNOWN', 'late');
  await observed(request, () => Promise.resolve({ outcome: 'answered', status: 200, body: {} }));
  await observed(request, () => Promise.resolve({ outcome: 'failed', kind: 'timeout', error }));
  const text = readFileSync(traceFile, 'utf8');
  const spans = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SpanRecord);
  const attributes = {
    'server.address': 'hs2.test',
    'http.request.method': 'GET',
    'url.template': '/_matrix/federation/v1/event/{id}',
  };
  const name = 'GET /_matrix/federation/v1/event/{id}';
  expect(spans).toMatchObject([
    { name, failed: false, attributes: { ...attributes, 'atoll.outcome': 'answered' } },
    { name, failed: true, attributes: { ...attributes, 'atoll.outcome': 'timeout' } },
  ]);
  expect(text).not.toContain('secret');
  const health = new HealthServer({ host: '127.0.0.1', port: 0 });
  const metrics = await (await fetch(`http://127.0.0.1:${await health.listen()}/metrics`)).text();
  await health.close();
  expect(metrics).toContain('atoll_federation_request_duration_seconds_count{outcome="answered"} 1');
  expect(metrics).toContain('atoll_federation_request_duration_seconds_count{outcome="timeout"} 1');
});
