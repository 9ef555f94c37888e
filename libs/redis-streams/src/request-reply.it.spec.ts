import { MatrixError } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { CommandContext } from './command-context.js';
import { NewerWork, Work } from './testing/work.spec-support.js';
import { Transport, until } from './testing/transport.spec-support.js';

describe('a request over Redis', () => {
  let transport: Transport;
  const spans = new InMemorySpanExporter();

  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
    transport = await Transport.start();
    transport.ownership.move(7, 'one');
  });
  afterAll(() => transport.stop());

  it('reaches the owner of its partition and brings the answer back', async () => {
    const contexts: CommandContext[] = [];
    await transport.server('one', ({ text }, received) => {
      contexts.push(received);
      return Promise.resolve({ text: text.toUpperCase() });
    });
    const { client } = transport.client();
    const answer = await client.request(Work, { partition: 7, input: { text: 'ahoy' }, idempotencyKey: 'k' });
    expect(answer).toEqual({ text: 'AHOY' });
    expect(contexts[0]).toMatchObject({ partition: 7, epoch: 1, idempotencyKey: 'k', delivery: 1 });
    const left = (contexts[0]?.deadline ?? 0) - Date.now();
    expect(left).toBeGreaterThan(15_000);
    expect(left).toBeLessThanOrEqual(20_050);
  });

  it('is one trace from the caller to the handler', async () => {
    const { client } = transport.client();
    spans.reset();
    await client.request(Work, { partition: 7, input: { text: 'traced' } });
    const [handled, requested] = spans.getFinishedSpans();
    expect(handled?.name).toBe('handle test.work');
    expect(requested?.name).toBe('request test.work');
    expect(handled?.spanContext().traceId).toBe(requested?.spanContext().traceId);
    expect(handled?.parentSpanContext?.spanId).toBe(requested?.spanContext().spanId);
  });

  it('answers many at once, each with its own', async () => {
    const { client } = transport.client();
    const texts = Array.from({ length: 500 }, (_, index) => `m${String(index)}`);
    const answers = await Promise.all(
      texts.map((text) => client.request(Work, { partition: 7, input: { text } })),
    );
    expect(answers.map(({ text }) => text)).toEqual(texts.map((text) => text.toUpperCase()));
  });

  it('leaves nothing in Redis when it is answered', async () => {
    const redis = await transport.connected('observer');
    const entries = await redis.xrange('{atoll:test:one}:inbox', '-', '+');
    expect(entries.filter(([, fields]) => fields[0] === 'm')).toEqual([]);
    expect(await redis.pttl('{atoll:test:one}:inbox')).toBeGreaterThan(0);
  });

  it('fails with the Matrix error of the handler, and without the text of any other error', async () => {
    transport.ownership.move(8, 'two');
    await transport.server('two', ({ text }) => {
      throw text === 'known'
        ? new MatrixError(403, 'M_FORBIDDEN', 'No', { soft: true })
        : new Error('secret');
    });
    const { client } = transport.client();
    const request = (text: string) => client.request(Work, { partition: 8, input: { text } });
    await expect(request('known')).rejects.toMatchObject({
      status: 403,
      errcode: 'M_FORBIDDEN',
      message: 'No',
      extra: { soft: true },
    });
    await expect(request('unknown')).rejects.toMatchObject({
      status: 500,
      errcode: 'M_UNKNOWN',
      message: 'Internal server error',
    });
  });

  it('is refused when it does not have the shape of its version', async () => {
    const { client } = transport.client();
    const input = { text: 5 } as unknown as { text: string };
    await expect(client.request(Work, { partition: 7, input })).rejects.toMatchObject({
      errcode: 'M_BAD_JSON',
    });
  });

  it('learns at once that the owner does not know its version', async () => {
    const { client } = transport.client();
    const request = client.request(NewerWork, { partition: 7, input: { text: 'new' } });
    await expect(request).rejects.toMatchObject({ name: 'MatrixError', status: 503, supported: [1] });
  });

  it('fails at its deadline with a chance to retry, and is not handled afterwards', async () => {
    transport.ownership.move(9, 'three');
    const handled: string[] = [];
    const release = Promise.withResolvers<undefined>();
    await transport.server(
      'three',
      async ({ text }) => {
        handled.push(text);
        await release.promise;
        return { text };
      },
      { maxInFlight: 1 },
    );
    const { client } = transport.client();
    const first = client.request(Work, { partition: 9, input: { text: 'first' } });
    await until(() => handled.length === 1);
    const late = client.request(Work, { partition: 9, input: { text: 'late' }, timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({
      status: 503,
      errcode: 'M_LIMIT_EXCEEDED',
      extra: { retry_after_ms: 1000 },
    });
    release.resolve(undefined);
    await first;
    await client.request(Work, { partition: 9, input: { text: 'last' } });
    expect(handled).toEqual(['first', 'last']);
  });

  it('is refused before it is sent when it is too large', async () => {
    const { client } = transport.client();
    const input = { text: 'x'.repeat(1_100_000) };
    await expect(client.request(Work, { partition: 7, input })).rejects.toMatchObject({
      errcode: 'M_TOO_LARGE',
    });
  });
});
