import { MatrixError, type ServerName } from '@atoll/matrix';
import type { SendResult } from '@atoll/federation-client';
import { expect, it } from '@jest/globals';
import { RemoteQuery } from './remote-query.js';

const server = 'hs2' as ServerName;
const question = { path: '/_matrix/federation/v1/query/profile', maxBytes: 10 };
const answered = (body: null | object): SendResult => ({
  outcome: 'answered',
  status: 200,
  body: body as Extract<SendResult, { outcome: 'answered' }>['body'],
});
const askWith = (result: SendResult) =>
  new RemoteQuery({ send: () => Promise.resolve(result) }).ask(server, question);

it('gives the object that a server answers', async () => {
  expect(await askWith(answered({ a: 1 }))).toEqual({ a: 1 });
});

it.each([null, [], [{}]])('%j is no usable answer', async (body) => {
  await expect(askWith(answered(body))).rejects.toMatchObject({ status: 502 });
});

it.each([
  [404, undefined],
  [403, 403],
  [400, 502],
  [429, 502],
  [503, 502],
])('the refusal %d is %p', async (status, told) => {
  const asked = askWith({ outcome: 'refused', status, errcode: 'M_UNKNOWN', body: {} });
  const seen = await asked.catch((error: unknown) => (error instanceof MatrixError ? error.status : error));
  expect(seen).toBe(told);
});

it('refuses further questions while a hundred are open', async () => {
  const answer = Promise.withResolvers<SendResult>();
  const remote = new RemoteQuery({ send: () => answer.promise });
  const open = Array.from({ length: 100 }, () => remote.ask(server, question));
  await expect(remote.ask(server, question)).rejects.toMatchObject({ status: 503 });
  answer.resolve(answered({}));
  await Promise.all(open);
  expect(await remote.ask(server, question)).toEqual({});
});
