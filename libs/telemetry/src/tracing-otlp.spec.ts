import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { startTelemetry, withSpan } from './index.js';

test('spans reach the OTLP endpoint of the standard variables', async () => {
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      bodies.push(`${String(request.url)} ${body}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] =
    `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  try {
    const tracing = { exportSpans: true, sampleRatio: 1, parentBased: true };
    const telemetry = startTelemetry({ service: 'test', config: { tracing, instanceId: 'test-1' } });
    await withSpan('exported', {}, () => undefined);
    await telemetry.shutdown();
    expect(bodies).toEqual([expect.stringMatching(/^\/v1\/traces .*"service\.name".*"exported"/)]);
  } finally {
    delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    collector.close();
  }
});
