import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as hostile from './hostile-answers.js';
import { exchange } from './exchange.js';
import type { RemoteAnswer } from './remote-answer.js';
import { RemoteServer } from './remote-server.js';

let server: RemoteServer;
beforeAll(async () => {
  server = await RemoteServer.start();
});
afterAll(() => server.stop());

function ask(answer: RemoteAnswer, timeoutMs = 10_000) {
  server.on('GET', '/hostile', () => answer);
  return exchange(`https://${server.serverName}/hostile`, { method: 'GET', timeoutMs });
}

test('silence says nothing', async () => {
  await expect(ask(hostile.silence, 300)).rejects.toThrow('aborted');
});

test('an endless answer goes on and on', async () => {
  await expect(ask(hostile.endless, 300)).rejects.toThrow('aborted');
});

test('a slow answer comes whole in the end, unless nobody waits for it', async () => {
  expect(await ask(hostile.slowLoris({ a: 1 }, 1))).toMatchObject({ status: 200, text: '{"a":1}' });
  await expect(ask(hostile.slowLoris({ a: 1 }, 200), 300)).rejects.toThrow('aborted');
});

test('connections end early', async () => {
  await expect(ask(hostile.hangUp)).rejects.toThrow('socket hang up');
  await expect(ask(hostile.truncated({ a: 1 }))).rejects.toThrow('aborted');
});

test('redirects and wrong content types are as told', async () => {
  expect((await ask(hostile.redirect('https://localhost:1/', 307))).status).toBe(307);
  expect(await ask(hostile.wrongContentType({ a: 1 }))).toMatchObject({ status: 200, text: '{"a":1}' });
});
