import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const upload = (body: object, user = '@alice:hs1') =>
  api.request('POST', `/user/${user}/filter`, { token: alice.token, body: { ...body } });
const download = (id: unknown, user = '@alice:hs1') =>
  api.request('GET', `/user/${user}/filter/${String(id)}`, { token: alice.token });

it('keeps a filter as it was sent, once', async () => {
  const filter = {
    room: { timeline: { limit: 5, 'org.example.x': 1.5 } },
    event_fields: ['content.body'],
    z: 1,
    a: 2,
  };
  const { body } = await upload(filter);
  expect((await download(body['filter_id'])).body).toEqual(filter);
  expect((await upload(filter)).body).toEqual(body);
});

it.each([
  { room: 5 },
  { room: { timeline: { rooms: ['not_a_room_id'] } } },
  { room: { rooms: 'list' } },
  { presence: { senders: ['@name'] } },
  { room: { timeline: { limit: 'ten' } } },
  { event_format: 'xml' },
  { event_fields: Array.from({ length: 101 }, () => 'content') },
])('refuses %j', async (filter) => {
  const { status, body } = await upload(filter);
  expect([status, body['errcode']]).toEqual([400, 'M_BAD_JSON']);
});

it("knows no filters of others, nor unknown ones, nor what isn't an object", async () => {
  expect((await upload({}, '@bob:hs1')).status).toBe(403);
  expect((await download('x', '@bob:hs1')).status).toBe(403);
  expect((await download('unknown')).body['errcode']).toBe('M_NOT_FOUND');
  const list = await api.request('POST', '/user/@alice:hs1/filter', { token: alice.token, body: '[]' });
  expect([list.status, list.body['errcode']]).toEqual([400, 'M_BAD_JSON']);
});
