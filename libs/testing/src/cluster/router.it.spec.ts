import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@atoll/embedded';
import { startRouter, type Router, type Upstream } from './router.js';

/** A real HTTP server in the place of an instance. */
class Instance implements Upstream {
  clientUrl = '';
  isReady = true;
  asked = 0;
  private server: Server | undefined;

  async listen(listener: RequestListener, port = 0): Promise<void> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.clientUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.server = server;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    this.server?.closeAllConnections();
    await closed;
  }

  running = () => true;
  ready = () => {
    this.asked += 1;
    return Promise.resolve(this.isReady);
  };
}

const answer =
  (name: string): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(`${name} ${request.url ?? ''} ${Buffer.concat(chunks).length}`));
  };

let one: Instance;
let other: Instance;
let media: Instance;
let router: Router;

beforeEach(async () => {
  [one, other, media] = [new Instance(), new Instance(), new Instance()];
  await Promise.all([
    one.listen(answer('one')),
    other.listen(answer('other')),
    media.listen(answer('media')),
  ]);
  router = await startRouter(await freePort(), (service) => (service === 'media' ? [media] : [one, other]));
});
afterEach(async () => {
  await router.close();
  await Promise.all([one.close(), other.close(), media.close()]);
});

const get = async (path: string) => (await fetch(`${router.url}${path}`)).text();

describe('the local router', () => {
  test('sends a path to its service, and spreads over the instances', async () => {
    expect(await get('/_matrix/media/v3/config?a=b')).toBe('media /_matrix/media/v3/config?a=b 0');
    const answers = [await get('/_matrix/client/versions'), await get('/_matrix/client/versions')];
    expect(answers.map((text) => text.split(' ')[0]).sort()).toEqual(['one', 'other']);
  });

  test('repeats a request that an instance refused, with its body', async () => {
    await get('/');
    await get('/');
    await one.close();
    for (let n = 0; n < 6; n += 1) {
      const response = await fetch(`${router.url}/send`, { method: 'PUT', body: 'x'.repeat(10_000) });
      expect(await response.text()).toBe('other /send 10000');
    }
  });

  test('waits for the only instance of a service to come back', async () => {
    const port = Number(new URL(media.clientUrl).port);
    await media.close();
    const waiting = get('/_matrix/media/v3/config');
    await media.listen(answer('again'), port);
    expect(await waiting).toMatch(/^again/);
  });

  test('avoids an instance that says it is not ready', async () => {
    one.isReady = false;
    const asked = one.asked;
    while (one.asked < asked + 2) await sleep(20);
    const names = [];
    for (let n = 0; n < 4; n += 1) names.push((await get('/')).split(' ')[0]);
    expect(names).toEqual(['other', 'other', 'other', 'other']);
  });

  test('does not repeat what an instance may have begun', async () => {
    let received = 0;
    await media.close();
    await media.listen((request) => {
      received += 1;
      request.socket.destroy();
    });
    const response = await fetch(`${router.url}/_matrix/media/v3/upload`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(502);
    expect(received).toBe(1);
  });

  test('streams a body that is too large to keep', async () => {
    const body = Buffer.alloc(5 * 1024 * 1024);
    const response = await fetch(`${router.url}/_matrix/media/v3/upload`, { method: 'POST', body });
    expect(await response.text()).toBe(`media /_matrix/media/v3/upload ${body.length}`);
  });
});
