import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { GracefulShutdown, createLogger } from './index.js';

const logger = createLogger('test', 'silent');

function shutdown(deadlineMs = 1000) {
  const exit = jest.fn<(code: number) => void>();
  return { exit, stop: new GracefulShutdown({ logger, deadlineMs, exit }) };
}

test('stages follow one another, hooks of a stage run together, whatever the order they came in', async () => {
  const { exit, stop } = shutdown();
  const steps: string[] = [];
  stop.onShutdown('connections', 'database', () => void steps.push('database'));
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  stop.onShutdown('drain', 'client', async () => {
    await released;
    steps.push('client');
  });
  stop.onShutdown('drain', 'federation', () => {
    steps.push('federation');
    release();
  });
  stop.onShutdown('work', 'leases', () => void steps.push('leases'));
  stop.signal.addEventListener('abort', () => void steps.push('signal'));
  await Promise.all([stop.stop('test'), stop.stop('again')]);
  expect(steps).toEqual(['signal', 'federation', 'client', 'leases', 'database']);
  expect(exit.mock.calls).toEqual([[0]]);
});

test('a failing hook does not keep the others from running', async () => {
  const { exit, stop } = shutdown();
  const closed = jest.fn<() => void>();
  stop.onShutdown('drain', 'broken', () => Promise.reject(new Error('no')));
  stop.onShutdown('connections', 'database', closed);
  await stop.stop('test');
  expect(closed).toHaveBeenCalledTimes(1);
  expect(exit.mock.calls).toEqual([[1]]);
});

test('a hook that hangs meets the deadline', async () => {
  const { exit, stop } = shutdown(20);
  stop.onShutdown('drain', 'hangs', () => new Promise(() => undefined));
  void stop.stop('test');
  await new Promise<void>((resolve) =>
    exit.mockImplementation(() => {
      resolve();
    }),
  );
  expect(exit.mock.calls).toEqual([[1]]);
});

describe('signals', () => {
  afterEach(() => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal);
    jest.restoreAllMocks();
  });

  test('SIGTERM stops', async () => {
    const { exit, stop } = shutdown();
    stop.listen();
    process.emit('SIGTERM');
    expect(stop.signal.aborted).toBe(true);
    await stop.stop('joins the stop under way');
    expect(exit.mock.calls).toEqual([[0]]);
  });

  test('a second signal, not the same one passed on, ends a slow stop at once', () => {
    const { exit, stop } = shutdown();
    stop.onShutdown('drain', 'hangs', () => new Promise(() => undefined));
    stop.listen();
    process.emit('SIGINT');
    process.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
    const later = Date.now() + 1500;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    process.emit('SIGINT');
    expect(exit.mock.calls).toEqual([[1]]);
  });
});
