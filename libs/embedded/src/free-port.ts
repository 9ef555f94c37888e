import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Asked for by this process; who got one may listen to it much later. */
const handedOut = new Set<number>();

/**
 * A TCP port of the loopback address that is free now, another one each time. It lies below the range from which systems take the ports of
 * outgoing connections, so that none of those can take it before its server listens.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error('found no free port between 20000 and 32000');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => {
      answer(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        answer(true);
      });
    });
  });
}
