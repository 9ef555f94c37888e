import { beforeEach, describe, expect, test } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { NestPinoLogger, createLogger, extractTraceContext, logError } from './index.js';

const lines: string[] = [];
const logger = createLogger('client-api', 'info', { write: (line) => void lines.push(line) });
const last = () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>;

beforeEach(() => {
  lines.length = 0;
});

test('a line names its service, level and trace', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const active = extractTraceContext(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
  context.with(active, () => {
    logger.info('hello');
  });
  expect(last()).toMatchObject({
    service: 'client-api',
    level: 'info',
    msg: 'hello',
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
  });
  expect(trace.getActiveSpan()).toBeUndefined();
  logger.info('outside');
  expect(last()).not.toHaveProperty('trace_id');
});

test('secrets are blanked', () => {
  logger.info(
    {
      access_token: 's3cret',
      headers: { authorization: 'Bearer s3cret' },
      request: { body: { password: 's3cret' } },
    },
    'x',
  );
  expect(lines[0]).not.toContain('s3cret');
  expect(lines[0]).toContain('[redacted]');
});

describe('errors', () => {
  test('are logged once, whoever passes them on', () => {
    const error = new Error('broken');
    logError(logger, error, 'first');
    logError(logger, error, 'second');
    expect(lines).toHaveLength(1);
    expect(last()).toMatchObject({ msg: 'first', err: { type: 'Error', message: 'broken' } });
  });

  test('do not carry the rows that a database driver adds', () => {
    const error = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (body)=(private) exists',
    });
    logError(logger, new Error('outer', { cause: error }), 'failed');
    expect(lines[0]).not.toContain('private');
    expect(last()).toMatchObject({ err: { cause: { code: '23505' } } });
  });
});

test("Nest's messages are ours, and its list of routes is for debugging", () => {
  const nest = new NestPinoLogger(logger);
  nest.log('Mapped {/x, GET} route', 'RouterExplorer');
  expect(lines).toEqual([]);
  nest.warn('careful', 'SomeService');
  expect(last()).toMatchObject({ level: 'warn', context: 'SomeService', msg: 'careful' });
  nest.error('failed', 'the stack', 'SomeService');
  expect(last()).toMatchObject({ level: 'error', context: 'SomeService', stack: 'the stack' });
});
