import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HealthServer, counter, histogram, observableGauge } from './index.js';
import { observeProcess } from './process-metrics.js';

let server: HealthServer;
let base: string;

beforeEach(async () => {
  server = new HealthServer({ host: '127.0.0.1', port: 0, checkTimeoutMs: 30 });
  base = `http://127.0.0.1:${await server.listen()}`;
});
afterEach(() => server.close());

async function ready() {
  const answer = await fetch(`${base}/health/ready`);
  return { status: answer.status, body: await answer.json() };
}
const metrics = async () => (await fetch(`${base}/metrics`)).text();

test('is alive at once, ready when told, and not while stopping', async () => {
  expect((await fetch(`${base}/health/live`)).status).toBe(200);
  expect((await ready()).status).toBe(503);
  server.setReady(true);
  expect(await ready()).toEqual({ status: 200, body: { ready: true, failures: {} } });
  server.setReady(false);
  expect((await ready()).status).toBe(503);
});

test('is not ready while a check fails or hangs, and says which', async () => {
  server.setReady(true);
  server.addCheck('works', () => undefined);
  server.addCheck('fails', () => Promise.reject(new Error('no connection')));
  server.addCheck('throws', () => {
    throw new Error('at once');
  });
  server.addCheck('hangs', () => new Promise(() => undefined));
  expect(await ready()).toEqual({
    status: 503,
    body: {
      ready: false,
      failures: { fails: 'no connection', throws: 'at once', hangs: 'no answer within 30 ms' },
    },
  });
});

test('serves metrics under their own names', async () => {
  counter('atoll_test_events_total', 'Events').add(2, { kind: 'a' });
  counter('atoll_test_events_total', 'Events').add(1, { kind: 'a' });
  histogram('atoll_test_duration_seconds', 'Time').record(0.02);
  const stop = observableGauge('atoll_test_depth', 'Depth', (result) => {
    result.observe(7, { queue: 'q' });
  });
  const text = await metrics();
  expect(text).toContain('# TYPE atoll_test_events_total counter\natoll_test_events_total{kind="a"} 3');
  expect(text).toContain('atoll_test_duration_seconds_bucket{le="0.025"} 1');
  expect(text).toContain('atoll_test_duration_seconds_bucket{le="0.01"} 0');
  expect(text).toContain('atoll_test_depth{queue="q"} 7');
  stop();
  expect(await metrics()).not.toContain('atoll_test_depth{');
});

test('shows a blocked event loop, memory and processor time', async () => {
  observeProcess();
  await metrics();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const until = performance.now() + 150;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const text = await metrics();
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  expect(value('atoll_event_loop_delay_seconds{quantile="1"}')).toBeGreaterThan(0.1);
  expect(value('atoll_event_loop_delay_seconds{quantile="0.5"}')).toBeLessThan(0.05);
  expect(value('atoll_process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(value('atoll_process_heap_used_bytes')).toBeGreaterThan(1e6);
  expect(value('atoll_process_cpu_seconds_total')).toBeGreaterThan(0);
});

test('a port in use is an error', async () => {
  const second = new HealthServer({ host: '127.0.0.1', port: Number(new URL(base).port) });
  await expect(second.listen()).rejects.toThrow('EADDRINUSE');
});

test('a histogram without a known unit needs buckets', () => {
  expect(() => histogram('atoll_test_batch', 'Batch')).toThrow('give the buckets');
});
