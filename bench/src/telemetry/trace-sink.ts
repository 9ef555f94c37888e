import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bench } from '../benchmark.js';

export interface TraceSink {
  readonly url: string;
  /** Exports taken so far: none would mean that nothing was traced. */
  received(): number;
}

/** Takes OTLP exports and forgets them. */
export async function startTraceSink(bench: Bench): Promise<TraceSink> {
  let received = 0;
  const server = createServer((request, response) => {
    received += 1;
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bench.atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received: () => received };
}
