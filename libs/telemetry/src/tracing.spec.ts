import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { extractTraceContext, injectTraceContext, startTelemetry, withSpan } from './index.js';
import type { SpanRecord, Telemetry } from './index.js';

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

const spans = () =>
  readFileSync(traceFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SpanRecord);
const spanOf = (name: string) => spans().find((span) => span.name === name);

test('spans nest, travel as traceparent and record failures without their text', async () => {
  let carrier: string | undefined;
  await withSpan('outer', { 'atoll.pattern': 'SendEvent' }, () =>
    withSpan('inner', {}, () => {
      carrier = injectTraceContext();
    }),
  );
  const failing = withSpan('remote', {}, () => Promise.reject(new TypeError('private text')), {
    parent: extractTraceContext(carrier),
  });
  await expect(failing).rejects.toThrow('private text');
  const [inner, outer, remote] = ['inner', 'outer', 'remote'].map(spanOf);
  expect(outer).toMatchObject({
    service: 'test',
    failed: false,
    attributes: { 'atoll.pattern': 'SendEvent' },
  });
  expect(inner).toMatchObject({ traceId: outer?.traceId, parentSpanId: outer?.spanId });
  expect(remote).toMatchObject({ traceId: outer?.traceId, parentSpanId: inner?.spanId, failed: true });
  expect(remote?.attributes).toEqual({ 'error.type': 'TypeError' });
  expect(readFileSync(traceFile, 'utf8')).not.toContain('private text');
});

test("a parent's decision not to sample holds for all below it, and its trace id still travels", async () => {
  const parent = extractTraceContext(`00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`);
  const carrier = await withSpan('hidden', {}, () => withSpan('deeper', {}, () => injectTraceContext()), {
    parent,
  });
  expect(carrier).toBe(`00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`);
  await withSpan('seen', {}, () => undefined);
  expect(spanOf('seen')).toBeDefined();
  expect(spanOf('hidden') ?? spanOf('deeper')).toBeUndefined();
});

test.each([undefined, '', 'garbage', `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01`])(
  'a carrier without a trace is an empty context: %s',
  (carrier) => {
    expect(extractTraceContext(carrier)).toBe(ROOT_CONTEXT);
  },
);
