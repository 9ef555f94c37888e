import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from '@atoll/embedded';
import { openNetwork, type Network } from './network.js';

const server = createServer((_, response) => response.end('x'.repeat(1_000_000)));
let network: Network;
let url: string;
beforeAll(async () => {
  const [port, target] = [await freePort(), await freePort()];
  server.listen(target, '127.0.0.1');
  await once(server, 'listening');
  network = await openNetwork(port, target);
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  await network.close();
  server.closeAllConnections();
  server.close();
});

const ask = async (timeoutMs = 20_000) =>
  (await (await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })).text()).length;

test('forwards', async () => {
  expect(await ask()).toBe(1_000_000);
});

test('refuses while it is cut, twice too', async () => {
  await network.cut();
  await network.cut();
  await expect(ask()).rejects.toThrow('fetch failed');
  await network.heal();
  await network.heal();
  expect(await ask()).toBe(1_000_000);
});

test('takes connections and says nothing while it is stalled', async () => {
  network.stall();
  await expect(ask(500)).rejects.toThrow('timeout');
  await network.heal();
  expect(await ask()).toBe(1_000_000);
});
