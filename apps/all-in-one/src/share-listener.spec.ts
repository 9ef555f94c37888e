import { afterEach, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mediaPaths, shareListener } from './share-listener.js';

const servers: Server[] = [];
const named = (name: string) => {
  const server = createServer((request, response) => response.end(`${name} ${request.url ?? ''}`));
  servers.push(server);
  return server;
};
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test('media answers its paths on the listener of client-api, all else stays', async () => {
  const clients = named('client-api');
  shareListener(clients, named('media'), mediaPaths());
  await new Promise<void>((resolve) => clients.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(clients.address() as AddressInfo).port}`;
  const get = async (path: string) => (await fetch(base + path)).text();
  expect(await get('/_matrix/media/v3/config')).toBe('media /_matrix/media/v3/config');
  expect(await get('/_matrix/client/v1/media/config')).toBe('media /_matrix/client/v1/media/config');
  expect(await get('/_matrix/client/v3/sync')).toBe('client-api /_matrix/client/v3/sync');
});
