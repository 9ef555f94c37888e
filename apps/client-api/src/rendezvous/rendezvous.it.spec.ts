import type { JsonObject } from '@atoll/matrix';
import { connectRedis } from '@atoll/redis-streams';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  startTestClientApi,
  textOf,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const PATH = '/_matrix/client/unstable/io.element.msc4388/rendezvous';
const ask = (method: string, id: string, body?: JsonObject, token?: string) =>
  api.request(method, id === '' ? PATH : `${PATH}/${id}`, { token, ...(body && { body }) });
const create = async (data: string) => (await ask('POST', '', { data }, alice.token)).body;
const CONCURRENT = 'IO_ELEMENT_MSC4388_CONCURRENT_WRITE';

it('is for users to create', async () => {
  expect((await ask('GET', '')).body).toEqual({ create_available: false });
  expect((await ask('GET', '', undefined, alice.token)).body).toEqual({ create_available: true });
  const { status, body } = await ask('POST', '', { data: 'hello' });
  expect([status, body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
});

it('passes payloads between devices that are not logged in, in turns', async () => {
  const { id, sequence_token: first, expires_in_ms } = await create('from A ☃');
  expect(id).toMatch(/^[\w.~-]{20,255}$/);
  expect(expires_in_ms).toBe(300_000);
  const read = await ask('GET', textOf(id));
  expect(read.body).toEqual({ data: 'from A ☃', sequence_token: first, expires_in_ms: expect.any(Number) });
  expect(read.headers.get('access-control-allow-origin')).toBe('*');
  const answered = await ask('PUT', textOf(id), { sequence_token: textOf(first), data: 'from B' });
  const second = answered.body['sequence_token'];
  expect(second).not.toBe(first);
  const same = await ask('PUT', textOf(id), { sequence_token: textOf(second), data: 'from B' });
  expect(same.body['sequence_token']).not.toBe(second);
  expect((await ask('DELETE', textOf(id))).body).toEqual({});
  for (const method of ['GET', 'DELETE'])
    expect((await ask(method, textOf(id))).body['errcode']).toBe('M_NOT_FOUND');
  const late = await ask('PUT', textOf(id), { sequence_token: textOf(second), data: 'late' });
  expect([late.status, late.body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
});

it('takes one of two writes at once, and a repeated one as the same', async () => {
  const { id, sequence_token: seen } = await create('');
  const write = (data: string) => ask('PUT', textOf(id), { sequence_token: textOf(seen), data });
  const answers = await Promise.all(['one', 'two', 'three'].map(write));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
  expect(answers.find(({ status }) => status === 409)?.body['errcode']).toBe(CONCURRENT);
  const { data, sequence_token: current } = (await ask('GET', textOf(id))).body;
  expect((await write(textOf(data))).body).toEqual({ sequence_token: current });
});

it('ends in time, however often it is written to', async () => {
  const { id, sequence_token } = await create('x');
  const redis = connectRedis(api.redisUrl, 'spec');
  await new Promise((resolve) => redis.once('ready', resolve));
  await redis.pexpire(`atoll:rendezvous:${textOf(id)}`, 60_000);
  await ask('PUT', textOf(id), { sequence_token: textOf(sequence_token), data: 'y' });
  expect((await ask('GET', textOf(id))).body['expires_in_ms']).toBeLessThanOrEqual(60_000);
  redis.disconnect();
});

it.each([
  [{ data: 'é'.repeat(2049) }, 413, 'M_TOO_LARGE'],
  [{ data: 7 }, 400, 'M_BAD_JSON'],
  [{}, 400, 'M_BAD_JSON'],
  [{ data: '\ud800' }, 400, 'M_BAD_JSON'],
])('refuses %j', async (body, status, errcode) => {
  const created = await ask('POST', '', body, alice.token);
  expect([created.status, created.body['errcode']]).toEqual([status, errcode]);
  const { id, sequence_token } = await create('x'.repeat(4096));
  const written = await ask('PUT', textOf(id), { ...body, sequence_token: textOf(sequence_token) });
  expect([written.status, written.body['errcode']]).toEqual([status, errcode]);
});

it('shows nothing to a browser that was led there', async () => {
  const { id } = await create('<h1>');
  const url = `${api.baseUrl}${PATH}/${textOf(id)}`;
  expect((await fetch(url, { headers: { 'sec-fetch-dest': 'document' } })).status).toBe(403);
});
