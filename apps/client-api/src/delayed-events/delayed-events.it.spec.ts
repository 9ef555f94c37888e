import { DelayedEventReader } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  passwordAuth,
  startTestClientApi,
  type TestClientApi,
  type TestUser,
  textOf,
} from '../test-client-api.spec-support.js';

const LIMITS = { ATOLL_MAX_EVENT_DELAY_MS: '7200000', ATOLL_MAX_DELAYED_EVENTS: '3' };
const HOUR = 3_600_000;
const ROOM = '!room:hs1';
const DRAFT = '/_matrix/client/unstable/org.matrix.msc4140';
const STABLE = '/_matrix/client/v1';

let api: TestClientApi;
let user: TestUser;
let number = 0;
beforeAll(async () => (api = await startTestClientApi(LIMITS)));
beforeEach(async () => (user = await api.register(`user${(number += 1)}`)));
afterAll(() => api.close());

const put = (path: string, body: unknown, { token } = user) =>
  api.request('PUT', path, { token, body: body as JsonObject });
const schedule = (body: unknown = { delay_ms: HOUR, content: { body: 'later' } }, txnId = 't1', by = user) =>
  put(`/rooms/${ROOM}/delayed_event/m.room.message/${txnId}`, body, by);
const manage = (delayId: string, action: string, { token } = user, prefix = STABLE) =>
  api.request('POST', `${prefix}/delayed_events/${delayId}/${action}`, { token });
const get = (path: string, { token } = user) =>
  api.request('GET', `${STABLE}/delayed_events${path}`, { token });
const idOf = ({ body }: { body: JsonObject }) => textOf(body['delay_id']);
const refused = (status: number, errcode: string) => ({ status, body: { errcode } });

describe('scheduling', () => {
  it('answers an id, under which the event is found; the same transaction gives the same one', async () => {
    const state = { delay_ms: HOUR, state_key: '', content: { topic: 'later' } };
    const delayId = idOf(await put(`/rooms/${ROOM}/delayed_event/m.room.topic/t`, state));
    const shown = {
      delay_id: delayId,
      room_id: ROOM,
      type: 'm.room.topic',
      state_key: '',
      delay_ms: HOUR,
      scheduled_at: expect.any(Number),
      content: { topic: 'later' },
    };
    expect(await get(`/${delayId}`)).toMatchObject({ status: 200, body: shown });
    expect((await get('')).body).toEqual({ delayed_events: [shown] });
    const again = await put(`${DRAFT}/rooms/${ROOM}/delayed_event/m.room.topic/t`, { ...state, delay_ms: 5 });
    expect(idOf(again)).toBe(delayId);
    expect(idOf(await put(`/rooms/${ROOM}/delayed_event/m.room.topic/u`, state))).not.toBe(delayId);
    const other = await api.register(`other${number}`);
    expect(await get(`/${delayId}`, other)).toMatchObject(refused(404, 'M_NOT_FOUND'));
    expect((await get('', other)).body).toEqual({ delayed_events: [] });
  });

  it.each([
    ['no delay', { content: {} }, 400, 'M_BAD_JSON'],
    ['a delay of nothing', { delay_ms: 0, content: {} }, 400, 'M_BAD_JSON'],
    ['a delay into the past', { delay_ms: -1, content: {} }, 400, 'M_BAD_JSON'],
    ['half a ms', { delay_ms: 0.5, content: {} }, 400, 'M_BAD_JSON'],
    ['a delay in words', { delay_ms: '10', content: {} }, 400, 'M_BAD_JSON'],
    ['no content', { delay_ms: HOUR }, 400, 'M_BAD_JSON'],
    ['a content that is no object', { delay_ms: HOUR, content: [] }, 400, 'M_BAD_JSON'],
    ['a state key that is no text', { delay_ms: HOUR, content: {}, state_key: null }, 400, 'M_BAD_JSON'],
    ['a NUL in the state key', { delay_ms: HOUR, content: {}, state_key: '\0' }, 400, 'M_BAD_JSON'],
    ['too long a delay', { delay_ms: 2 * HOUR + 1, content: {} }, 403, 'M_FORBIDDEN'],
    [
      'more than an event holds',
      { delay_ms: HOUR, content: { body: 'x'.repeat(65_536) } },
      413,
      'M_TOO_LARGE',
    ],
  ])('refuses %s', async (_, body, status, errcode) => {
    expect(await schedule(body)).toMatchObject(refused(status, errcode));
  });

  it('needs a token, and a room id', async () => {
    const path = (room: string) => `/rooms/${room}/delayed_event/m.test/t`;
    expect((await api.request('PUT', path(ROOM), { body: {} })).status).toBe(401);
    expect(await put(path('room'), { delay_ms: HOUR, content: {} })).toMatchObject(
      refused(400, 'M_INVALID_PARAM'),
    );
  });

  it('lets so many wait, also when they are asked for at once, and says when there is room', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => schedule(undefined, `t${i}`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const late = answers.find(({ status }) => status !== 200);
    expect(late).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    const seconds = Number(late?.headers.get('retry-after'));
    expect([seconds > 3_500, seconds <= 3_600]).toEqual([true, true]);
    const waiting = answers.find(({ status }) => status === 200);
    await manage(idOf(waiting ?? { body: {} }), 'cancel');
    expect((await schedule(undefined, 'again')).status).toBe(200);
  });
});

describe('managing', () => {
  it('restarts the delay', async () => {
    const delayId = idOf(await schedule());
    const since = async () => Number((await get(`/${delayId}`)).body['scheduled_at']);
    await api.database.db
      .updateTable('delayed_events')
      .set({ scheduled_ts: 1 })
      .where('delay_id', '=', delayId)
      .execute();
    expect(await manage(delayId, 'restart')).toMatchObject({ status: 200, body: {} });
    expect(await since()).toBeGreaterThan(1_600_000_000_000);
  });

  it('cancels, again with the same answer; anything else conflicts', async () => {
    const delayId = idOf(await schedule());
    for (let i = 0; i < 2; i += 1)
      expect(await manage(delayId, 'cancel')).toMatchObject({ status: 200, body: {} });
    const { body } = await get(`/${delayId}`);
    expect(body).toMatchObject({ delay_id: delayId, finalised_ts: expect.any(Number) });
    expect([body['event_id'], body['error']]).toEqual([undefined, undefined]);
    expect((await get('')).body).toEqual({ delayed_events: [] });
    for (const action of ['send', 'restart']) {
      expect(await manage(delayId, action)).toMatchObject(refused(409, 'M_UNKNOWN'));
      // By the paths of the drafts, where such an event was gone.
      expect(await manage(delayId, action, user, DRAFT)).toMatchObject(refused(409, 'M_NOT_FOUND'));
    }
  });

  it('of what was sent agrees with sending alone', async () => {
    const delayId = idOf(await schedule());
    await api.database.db
      .updateTable('delayed_events')
      .set({ finalised_ts: 5, event_id: '$sent' as never })
      .where('delay_id', '=', delayId)
      .execute();
    expect((await get(`/${delayId}`)).body).toMatchObject({ finalised_ts: 5, event_id: '$sent' });
    expect((await manage(delayId, 'send')).status).toBe(200);
    for (const action of ['cancel', 'restart'])
      expect(await manage(delayId, action)).toMatchObject(refused(409, 'M_UNKNOWN'));
  });

  it('is for the user who scheduled it', async () => {
    const delayId = idOf(await schedule());
    const other = await api.register(`other${number}`);
    for (const action of ['send', 'cancel', 'restart']) {
      expect(await manage(delayId, action, other)).toMatchObject(refused(404, 'M_NOT_FOUND'));
      expect(await manage('unknown', action)).toMatchObject(refused(404, 'M_NOT_FOUND'));
      expect((await manage(delayId, action, { ...user, token: 'wrong' })).status).toBe(401);
    }
    expect(await manage(delayId, 'explode')).toMatchObject(refused(400, 'M_INVALID_PARAM'));
    expect((await get(`/${delayId}`)).body['finalised_ts']).toBeUndefined();
  });

  it('ends with the account, not with the device', async () => {
    const delayId = idOf(await schedule());
    const phone = await api.logIn(user.userId);
    await api.request('POST', '/logout', { token: user.token });
    expect((await get(`/${delayId}`, phone)).status).toBe(200);
    const auth = passwordAuth(user.userId, undefined);
    expect(
      (await api.request('POST', '/account/deactivate', { token: phone.token, body: { auth } })).status,
    ).toBe(200);
    expect(await new DelayedEventReader(api.database).byId(user.userId as UserId, delayId)).toBeUndefined();
  });
});

describe('clients of the drafts', () => {
  const byParameter = (kind: string, parameters: string) =>
    put(`/rooms/${ROOM}/${kind}?${parameters}`, { membership: 'none' });

  it('name the delay in a parameter of send and state, and the action in the body', async () => {
    const delay = `org.matrix.msc4140.delay=${HOUR}`;
    const message = idOf(await byParameter('send/m.test/txn', delay));
    expect(idOf(await byParameter('send/m.test/txn', delay))).toBe(message);
    const state = idOf(await byParameter('state/m.call/_@a:b_C', delay));
    expect((await get(`/${state}`)).body).toMatchObject({
      type: 'm.call',
      state_key: '_@a:b_C',
      delay_ms: HOUR,
    });
    expect((await get(`/${message}`)).body).not.toHaveProperty('state_key');
    const { token } = user;
    const act = (body: JsonObject) =>
      api.request('POST', `${DRAFT}/delayed_events/${state}`, { token, body });
    expect((await act({ action: 'restart' })).status).toBe(200);
    expect((await act({ action: 'cancel' })).status).toBe(200);
    expect(await act({ action: 'stop' })).toMatchObject(refused(400, 'M_BAD_JSON'));
    expect((await api.request('GET', `${DRAFT}/delayed_events`, { token })).body).toMatchObject({
      delayed_events: [{ delay_id: message }],
    });
  });

  it('are told of too long a delay so that they shorten it; nothing of it is sent at once', async () => {
    for (const kind of ['send/m.test/txn', 'state/m.call/key']) {
      expect(await byParameter(kind, `org.matrix.msc4140.delay=${2 * HOUR + 1}`)).toMatchObject({
        status: 400,
        body: {
          errcode: 'M_UNKNOWN',
          'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
          'org.matrix.msc4140.max_delay': 2 * HOUR,
        },
      });
      for (const wrong of ['delay=0', 'delay=-1', 'delay=soon', 'delay=', 'parent_delay_id=x'])
        expect(await byParameter(kind, `org.matrix.msc4140.${wrong}`)).toMatchObject(
          refused(400, 'M_INVALID_PARAM'),
        );
    }
  });
});

it('tells what it can do', async () => {
  expect((await api.request('GET', '/_matrix/client/versions')).body).toMatchObject({
    unstable_features: { 'org.matrix.msc4140': true, 'org.matrix.msc4140.stable': true },
  });
  const limits = { max_delay_ms: 2 * HOUR, max_scheduled: 3 };
  expect((await api.request('GET', '/capabilities', { token: user.token })).body).toMatchObject({
    capabilities: { 'm.delayed_events': limits, 'org.matrix.msc4140.delayed_events': limits },
  });
});

describe('settings', () => {
  it('may allow none', async () => {
    const strict = await startTestClientApi({ ATOLL_MAX_DELAYED_EVENTS: '0' });
    const { token } = await strict.register('alice');
    const body = { delay_ms: 1, content: {} };
    const path = `/rooms/${ROOM}/delayed_event/m.test/t`;
    expect(await strict.request('PUT', path, { token, body })).toMatchObject(refused(403, 'M_FORBIDDEN'));
    const byParameter = `/rooms/${ROOM}/send/m.test/t?org.matrix.msc4140.delay=1`;
    expect(await strict.request('PUT', byParameter, { token, body: {} })).toMatchObject(
      refused(403, 'M_FORBIDDEN'),
    );
    await strict.close();
  });

  it('limit how often they are asked for', async () => {
    const limited = await startTestClientApi({ ATOLL_RATE_LIMITS: 'on' });
    const { token } = await limited.register('alice');
    const body = { delay_ms: HOUR, content: {} };
    const path = `/rooms/${ROOM}/delayed_event/m.test/same`;
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => limited.request('PUT', path, { token, body })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    await limited.close();
  });
});
