import { expect, test } from '@jest/globals';
import { injectTraceContext, startTelemetry, withSpan } from './index.js';

test('without an exporter nothing is recorded, but traces have ids that travel', async () => {
  const tracing = { exportSpans: false, sampleRatio: 1, parentBased: true };
  startTelemetry({ service: 'test', config: { tracing, instanceId: 'test-1' } });
  await withSpan('work', {}, async (span) => {
    expect(span.isRecording()).toBe(false);
    expect(injectTraceContext()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(await withSpan('inner', {}, () => injectTraceContext())).toBe(injectTraceContext());
  });
});
