import { describe, expect, it } from '@jest/globals';
import { ServerDiscovery } from './server-discovery.js';
import type { SrvRecord } from './srv-order.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A discovery whose `.well-known` answers what `answer` holds, with a clock that stands still. */
function world() {
  const state = {
    now: 0,
    fetched: [] as string[],
    srvAsked: 0,
    answer: { status: 200, headers: {} as Record<string, string>, body: '{"m.server":"m.example:443"}' },
    fails: false,
    records: [] as SrvRecord[],
  };
  const discovery = new ServerDiscovery({
    fetchWellKnown: (hostname) => {
      state.fetched.push(hostname);
      if (state.fails) return Promise.reject(new Error('ECONNREFUSED'));
      return Promise.resolve({ ...state.answer, body: Buffer.from(state.answer.body) });
    },
    srv: () => {
      state.srvAsked++;
      return Promise.resolve(state.records);
    },
    now: () => state.now,
    random: () => 0,
    maxEntries: 100,
  });
  const hostOf = async (name: string) => (await discovery.discover(name))[0]?.host;
  /** The time, at steps of `step`, at which `.well-known` is asked again. */
  const askedAgainAfter = async (step: number) => {
    const start = state.now;
    const before = state.fetched.length;
    while (state.fetched.length === before) {
      state.now += step;
      await discovery.discover('hs.example');
    }
    return state.now - start;
  };
  return { state, discovery, hostOf, askedAgainAfter };
}

describe('the answers of .well-known', () => {
  it.each([
    ['JSON with any content type', '{"m.server":"m.example:443"}', 'm.example'],
    ['JSON with more in it', '{"a":{"b":[1]},"m.server":"1.2.3.4"}', '1.2.3.4'],
    ['no JSON', '<html>', 'hs.example'],
    ['nothing', '', 'hs.example'],
    ['no object', '["m.server"]', 'hs.example'],
    ['no server', '{}', 'hs.example'],
    ['another type', '{"m.server":1}', 'hs.example'],
    ['a URL', '{"m.server":"https://m.example"}', 'hs.example'],
    ['a port that does not exist', '{"m.server":"m.example:99999"}', 'hs.example'],
    ['an address in disguise', '{"m.server":"2130706433:22"}', 'hs.example'],
    ['deep JSON', `{"m.server":"m.example","a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'hs.example'],
  ])('%s', async (_name, body, host) => {
    const { state, hostOf } = world();
    state.answer.body = body;
    state.answer.headers = { 'content-type': 'text/html' };
    expect(await hostOf('hs.example')).toBe(host);
  });

  it.each([201, 301, 404, 500])('status %d is no delegation', async (status) => {
    const { state, hostOf } = world();
    state.answer.status = status;
    expect(await hostOf('hs.example')).toBe('hs.example');
  });

  it('a body that is no UTF-8 is no delegation', async () => {
    const discovery = new ServerDiscovery({
      fetchWellKnown: () =>
        Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{"m.server":"m\xff"}', 'latin1') }),
      srv: () => Promise.resolve([]),
    });
    expect((await discovery.discover('hs.example'))[0]?.host).toBe('hs.example');
  });
});

describe('the cache', () => {
  it.each([
    ['24 hours by default', {}, 24 * HOUR],
    ['as long as the answer says', { 'cache-control': 'max-age=7200' }, 2 * HOUR],
    ['48 hours at most', { 'cache-control': 'max-age=31536000' }, 48 * HOUR],
    ['5 minutes at least', { 'cache-control': 'no-store' }, 5 * MINUTE],
    ['until it expires', { expires: new Date(3 * HOUR).toUTCString() }, 3 * HOUR],
  ])('keeps a delegation %s', async (_name, headers, expected) => {
    const { state, discovery, askedAgainAfter } = world();
    state.answer.headers = headers;
    await discovery.discover('hs.example');
    expect(await askedAgainAfter(5 * MINUTE)).toBe(expected);
  });

  it('keeps errors for longer each time, up to an hour, and starts over after a success', async () => {
    const { state, discovery, askedAgainAfter } = world();
    state.fails = true;
    await discovery.discover('hs.example');
    const waits: number[] = [];
    for (let turn = 0; turn < 8; turn++) waits.push((await askedAgainAfter(MINUTE)) / MINUTE);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    state.fails = false;
    state.answer.headers = { 'cache-control': 'max-age=600' };
    expect(await askedAgainAfter(MINUTE)).toBe(HOUR);
    state.fails = true;
    expect(await askedAgainAfter(MINUTE)).toBe(10 * MINUTE);
    expect(await askedAgainAfter(MINUTE)).toBe(MINUTE);
  });

  it('keeps an error as long as the answer says, up to an hour', async () => {
    const { state, discovery, askedAgainAfter } = world();
    state.answer = { status: 404, headers: { 'cache-control': 'max-age=1200' }, body: '' };
    await discovery.discover('hs.example');
    expect(await askedAgainAfter(MINUTE)).toBe(20 * MINUTE);
    state.answer.headers = { 'cache-control': 'max-age=86400' };
    expect(await askedAgainAfter(MINUTE)).toBe(20 * MINUTE);
    expect(await askedAgainAfter(MINUTE)).toBe(HOUR);
  });

  it('asks again after 15 s when nobody could be reached where an error had led', async () => {
    const { state, discovery, hostOf } = world();
    state.fails = true;
    await discovery.discover('hs.example');
    state.fails = false;
    state.now = 10_000;
    discovery.reconsider('hs.example');
    expect(await hostOf('hs.example')).toBe('hs.example');
    state.now = 15_000;
    expect(await hostOf('hs.example')).toBe('m.example');
    discovery.reconsider('hs.example');
    state.now = HOUR;
    await discovery.discover('hs.example');
    expect(state.fetched).toHaveLength(2);
  });

  it('is shared by concurrent askers, and by names that differ in case', async () => {
    const { state, discovery } = world();
    await Promise.all(Array.from({ length: 20 }, () => discovery.discover('hs.example')));
    await discovery.discover('HS.example');
    expect(state.fetched).toEqual(['hs.example']);
  });

  it('keeps SRV records for five minutes', async () => {
    const { state, hostOf } = world();
    state.answer.body = '{"m.server":"m.example"}';
    state.records = [{ name: 'a.example', port: 1, priority: 1, weight: 1 }];
    expect(await hostOf('hs.example')).toBe('a.example');
    state.records = [{ name: 'b.example', port: 1, priority: 1, weight: 1 }];
    state.now = 5 * MINUTE - 1;
    expect(await hostOf('hs.example')).toBe('a.example');
    state.now = 5 * MINUTE;
    expect(await hostOf('hs.example')).toBe('b.example');
    expect(state.srvAsked).toBe(2);
  });

  it('forgets what was not asked for longest', async () => {
    const { state, discovery } = world();
    for (let index = 0; index < 101; index++) await discovery.discover(`hs${index}.example`);
    await discovery.discover('hs100.example');
    expect(state.fetched).toHaveLength(101);
    await discovery.discover('hs0.example');
    expect(state.fetched).toHaveLength(102);
  });
});
