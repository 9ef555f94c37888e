import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  startTestClientApi,
  type TestClientApi,
  type TestUser,
  textOf,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const call = (method: string, path: string, body?: unknown, user = alice) =>
  api.request(method, `/pushrules/${path}`, {
    token: user.token,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const outcome = async (...request: Parameters<typeof call>) => {
  const { status, body } = await call(...request);
  return status === 200 ? '200' : `${status} ${textOf(body['errcode'])}`;
};
const idsOf = async (kind: string, user = alice) =>
  ((await call('GET', 'global', undefined, user)).body[kind] as JsonObject[]).map(({ rule_id }) => rule_id);

const rule = (more: object = {}) => ({ actions: ['notify'], ...more });
/** Of a kind that there is where threads have rules. */
const THREAD_RULE = '.io.element.msc4306.rule.subscribed_thread';
const cake = rule({ pattern: 'cake' });

it('gives all rules, with and without a slash at the end, always the same', async () => {
  const [all, global] = [
    await api.request('GET', '/pushrules/', { token: alice.token }),
    await call('GET', 'global/'),
  ];
  expect(all.body).toEqual({ global: global.body });
  expect(Object.keys(global.body)).toEqual(['override', 'content', 'room', 'sender', 'underride']);
  expect((await idsOf('override'))[0]).toBe('.m.rule.master');
  const texts = await Promise.all(
    ['/pushrules', '/pushrules/', '/user/@alice:hs1/account_data/m.push_rules'].map(async (path) =>
      JSON.stringify((await api.request('GET', path, { token: alice.token })).body),
    ),
  );
  expect(new Set(texts).size).toBe(1);
});

it('adds a rule, reads it, changes it, and removes it', async () => {
  const path = 'global/content/U3BvbmdlIGNha2U';
  const set = { default: false, enabled: true, rule_id: 'U3BvbmdlIGNha2U' };
  expect((await call('PUT', path, cake)).body).toEqual({});
  expect((await call('GET', path)).body).toEqual({ ...set, ...cake });
  await call('PUT', path, { pattern: 'cake*lie', actions: ['dont_notify', 'coalesce'] });
  expect((await call('GET', path)).body).toEqual({ ...set, pattern: 'cake*lie', actions: [] });
  expect((await call('DELETE', path)).body).toEqual({});
  expect(await outcome('GET', path)).toBe('404 M_NOT_FOUND');
  expect(await outcome('DELETE', path)).toBe('404 M_NOT_FOUND');
});

it('keeps conditions as they are, those that it does not know too', async () => {
  const conditions = [
    { kind: 'org.example', x: { y: [1, null] } },
    { kind: 'room_member_count', is: '<=10' },
  ];
  for (const kind of ['override', 'underride']) {
    await call('PUT', `global/${kind}/c`, rule({ conditions }));
    expect((await call('GET', `global/${kind}/c`)).body['conditions']).toEqual(conditions);
    await call('PUT', `global/${kind}/c`, rule());
    expect((await call('GET', `global/${kind}/c`)).body['conditions']).toEqual([]);
  }
});

it('puts rules where they are wanted', async () => {
  const bob = await api.register('bob');
  const put = (id: string, query = '') => call('PUT', `global/sender/${id}${query}`, rule(), bob);
  for (const id of ['@a:hs1', '@b:hs1', '@c:hs1']) await put(id);
  expect(await idsOf('sender', bob)).toEqual(['@c:hs1', '@b:hs1', '@a:hs1']);
  await put('@d:hs1', '?before=@b:hs1');
  await put('@c:hs1', '?after=@a:hs1');
  expect(await idsOf('sender', bob)).toEqual(['@d:hs1', '@b:hs1', '@a:hs1', '@c:hs1']);
  await call('PUT', 'global/override/mine', rule(), bob);
  expect((await idsOf('override', bob)).slice(0, 3)).toEqual([
    '.m.rule.master',
    'mine',
    '.m.rule.suppress_notices',
  ]);
});

describe('whether and what a rule does', () => {
  it.each([
    ['a rule of one’s own', 'room/%21room%3Ahs1'],
    ['a predefined one', 'override/.m.rule.reaction'],
  ])('is changed of %s', async (_, which) => {
    if (which.startsWith('room')) await call('PUT', `global/${which}`, rule());
    const path = `global/${which}`;
    expect((await call('GET', `${path}/enabled`)).body).toEqual({ enabled: true });
    expect((await call('PUT', `${path}/enabled`, { enabled: false })).body).toEqual({});
    const actions = ['notify', { set_tweak: 'sound', value: 'bing' }];
    expect((await call('PUT', `${path}/actions`, { actions })).body).toEqual({});
    expect((await call('GET', `${path}/enabled`)).body).toEqual({ enabled: false });
    expect((await call('GET', `${path}/actions`)).body).toEqual({ actions });
    expect((await call('GET', path)).body).toMatchObject({ enabled: false, actions });
  });
});

describe('refuses', () => {
  it.each<[string, string, string, unknown]>([
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/.mine', cake],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/.m.rule.contains_user_name', cake],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/a%2Fb', cake],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/a%5Cb', cake],
    ['400 M_INVALID_PARAM', 'PUT', `global/content/${'a'.repeat(256)}`, cake],
    ['400 M_INVALID_PARAM', 'PUT', 'global/unknown/a', cake],
    ['400 M_INVALID_PARAM', 'GET', 'global/unknown/a', undefined],
    ['400 M_INVALID_PARAM', 'PUT', 'global/postcontent/a', rule()],
    ['400 M_INVALID_PARAM', 'GET', `global/postcontent/${THREAD_RULE}`, undefined],
    ['400 M_INVALID_PARAM', 'DELETE', `global/postcontent/${THREAD_RULE}`, undefined],
    ['400 M_INVALID_PARAM', 'GET', `global/postcontent/${THREAD_RULE}/enabled`, undefined],
    ['400 M_INVALID_PARAM', 'PUT', `global/postcontent/${THREAD_RULE}/enabled`, { enabled: true }],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/a', rule()],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/a', rule({ pattern: 'a'.repeat(513) })],
    ['400 M_INVALID_PARAM', 'PUT', 'global/room/a', rule({ pattern: 'a' })],
    ['400 M_INVALID_PARAM', 'PUT', 'global/override/a', rule({ pattern: 'a' })],
    ['400 M_INVALID_PARAM', 'PUT', 'global/sender/a', rule({ conditions: [{ kind: 'x' }] })],
    ['400 M_INVALID_PARAM', 'PUT', 'global/content/a', { pattern: 'a', actions: ['coffee'] }],
    ['400 M_BAD_JSON', 'PUT', 'global/content/a', { pattern: 'a' }],
    ['400 M_BAD_JSON', 'PUT', 'global/content/a', { pattern: 1, actions: [] }],
    ['400 M_BAD_JSON', 'PUT', 'global/content/a', { pattern: 'a', actions: [{}] }],
    ['400 M_BAD_JSON', 'PUT', 'global/override/a', rule({ conditions: [{}] })],
    ['400 M_BAD_JSON', 'PUT', 'global/override/a', 'text'],
    ['400 M_UNKNOWN', 'PUT', 'global/content/a?before=nowhere', cake],
    ['400 M_UNKNOWN', 'PUT', 'global/override/a?after=.m.rule.reaction', rule()],
    ['404 M_NOT_FOUND', 'GET', 'global/content/nowhere', undefined],
    ['404 M_NOT_FOUND', 'GET', 'global/underride/.m.rule.master', undefined],
    ['404 M_NOT_FOUND', 'GET', 'global/content/nowhere/enabled', undefined],
    ['404 M_NOT_FOUND', 'GET', 'global/content/nowhere/actions', undefined],
    ['404 M_NOT_FOUND', 'PUT', 'global/content/nowhere/enabled', { enabled: true }],
    ['404 M_NOT_FOUND', 'PUT', 'global/content/nowhere/actions', { actions: [] }],
    ['404 M_NOT_FOUND', 'PUT', 'global/content/.m.rule.master/enabled', { enabled: true }],
    ['404 M_NOT_FOUND', 'DELETE', 'global/override/.m.rule.master', undefined],
    ['400 M_BAD_JSON', 'PUT', 'global/override/.m.rule.master/enabled', { enabled: 'yes' }],
    ['400 M_INVALID_PARAM', 'PUT', 'global/override/.m.rule.master/actions', { actions: ['coffee'] }],
    ['404 M_UNRECOGNIZED', 'GET', 'device/content/a', undefined],
  ])('%s: %s %s %j', async (expected, method, path, body) => {
    expect(await outcome(method, path, body)).toBe(expected);
  });

  it('strangers', async () => {
    expect((await api.request('GET', '/pushrules/')).status).toBe(401);
    expect((await api.request('PUT', '/pushrules/global/content/a', { body: cake })).status).toBe(401);
  });
});

it('loses none of the rules that are set at once', async () => {
  const carol = await api.register('carol');
  const ids = Array.from({ length: 20 }, (_, n) => `rule${n}`);
  await Promise.all([
    ...ids.map((id) => call('PUT', `global/content/${id}`, cake, carol)),
    call('PUT', 'global/override/.m.rule.master/enabled', { enabled: true }, carol),
  ]);
  expect((await idsOf('content', carol)).sort()).toEqual(ids.sort());
  expect((await call('GET', 'global/override/.m.rule.master/enabled', undefined, carol)).body).toEqual({
    enabled: true,
  });
});

it('keeps no more than there is space for', async () => {
  const dan = await api.register('dan');
  const big = rule({ conditions: [{ kind: 'org.example', text: 'x'.repeat(60_000) }] });
  const outcomes: string[] = [];
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    outcomes.push(await outcome('PUT', `global/override/${id}`, big, dan));
  expect(outcomes).toEqual(['200', '200', '200', '200', '403 M_RESOURCE_LIMIT_EXCEEDED']);
  expect((await idsOf('override', dan)).slice(1, 5)).toEqual(['d', 'c', 'b', 'a']);
});
