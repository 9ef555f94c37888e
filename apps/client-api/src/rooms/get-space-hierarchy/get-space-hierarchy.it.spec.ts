import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RoomRows } from '@atoll/database/testing';
import { type JsonObject, MatrixError, type RoomId } from '@atoll/matrix';
import { ALICE, answered, BOB, refused, type RoomsApp, startRoomsApp } from '../rooms-app.spec-support.js';

let app: RoomsApp;
/** Makes the ids of each test its own. */
let tests = 0;

beforeAll(async () => {
  app = await startRoomsApp();
});
beforeEach(() => {
  tests++;
  app.servers.asked.length = 0;
  app.servers.answer = () => refused(404);
});
afterAll(() => app.stop());

const id = (name: string, server = 'hs1') => `!${name}-${tests}:${server}` as RoomId;
const nameOf = (roomId: unknown) => String(roomId).slice(1).split('-')[0];

/** A room that alice is in, public unless its state says otherwise. */
async function make(name: string, states: Record<string, JsonObject> = {}, type?: string): Promise<RoomRows> {
  const room = await RoomRows.create(app.database, { roomId: id(name), version: '10' });
  await room.state('m.room.create', ALICE, type === undefined ? {} : { type });
  await room.member(ALICE, 'join');
  await room.state('m.room.join_rules', ALICE, { join_rule: 'public' });
  for (const [key, content] of Object.entries(states)) await room.state(key, ALICE, content);
  return room;
}

/** A space of children, each named by its room and what the event says beside `via`. */
async function space(name: string, children: Record<string, JsonObject> = {}): Promise<RoomRows> {
  const room = await make(name, {}, 'm.space');
  for (const [child, content] of Object.entries(children)) await link(room, id(child), content);
  return room;
}

const link = (parent: RoomRows, child: RoomId, content: JsonObject = {}) =>
  parent.event({
    type: 'm.space.child',
    sender: ALICE,
    stateKey: child,
    content: { via: ['hs2'], ...content },
  });

type Room = JsonObject & { room_id: string; children_state: JsonObject[] };
interface Page {
  rooms: Room[];
  next_batch?: string;
}
const ask = (root: RoomId, query = '', user = ALICE) =>
  app.call(user, 'GET', `/_matrix/client/v1/rooms/${encodeURIComponent(root)}/hierarchy?${query}`);
const page = async (root: RoomId, query = '', user = ALICE) => {
  const answer = await ask(root, query, user);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Page;
};
const names = ({ rooms }: Page) => rooms.map(({ room_id }) => nameOf(room_id));
/** All pages, one after the other. */
async function pages(root: RoomId, query: string, user = ALICE): Promise<(string | undefined)[][]> {
  const all = [];
  for (let from = ''; ;) {
    const one = await page(root, `${query}${from}`, user);
    all.push(names(one));
    if (one.next_batch === undefined) return all;
    from = `&from=${encodeURIComponent(one.next_batch)}`;
  }
}
const error = (status: number, errcode: string) => ({ status, body: { errcode, error: expect.any(String) } });

/** A tree with a loop and a room in two places: root(a, sub(b, deep(c, root), a), d). */
async function tree(): Promise<RoomId> {
  await rootOfTree();
  return id('root');
}

async function rootOfTree(): Promise<RoomRows> {
  const root = await space('root', { d: {}, sub: { order: 'b' }, a: { order: 'a', suggested: true } });
  await space('sub', { b: {}, deep: {}, a: {} });
  await space('deep', { c: {}, root: {} });
  for (const name of ['a', 'b', 'c', 'd']) await make(name);
  return root;
}

describe('a tree of spaces', () => {
  it('is gone through depth first, each room once', async () => {
    const root = await tree();
    const whole = await page(root);
    expect(names(whole)).toEqual(['root', 'a', 'sub', 'b', 'deep', 'c', 'd']);
    expect(whole).not.toHaveProperty('next_batch');
    expect(whole.rooms.map(({ children_state }) => children_state.length)).toEqual([3, 0, 3, 0, 2, 0, 0]);
    expect(whole.rooms[0]?.children_state[0]).toEqual({
      type: 'm.space.child',
      state_key: id('a'),
      sender: ALICE,
      content: { via: ['hs2'], order: 'a', suggested: true },
      origin_server_ts: expect.any(Number),
    });
    expect(app.servers.asked).toEqual([]);
  });

  it.each([
    [0, ['root']],
    [1, ['root', 'a', 'sub', 'd']],
    [2, ['root', 'a', 'sub', 'b', 'deep', 'd']],
  ])('goes down to depth %d', async (depth, expected) => {
    expect(names(await page(await tree(), `max_depth=${depth}`))).toEqual(expected);
  });

  it('is cut to what is suggested', async () => {
    const suggested = await page(await tree(), 'suggested_only=true');
    expect(names(suggested)).toEqual(['root', 'a']);
    expect(suggested.rooms[0]?.children_state).toHaveLength(1);
  });

  it.each([1, 2, 3, 6, 7])('comes in pages of %d', async (limit) => {
    const all = await pages(await tree(), `limit=${limit}`);
    expect(all.flat()).toEqual(['root', 'a', 'sub', 'b', 'deep', 'c', 'd']);
    expect(all.slice(0, -1).every((one) => one.length === limit)).toBe(true);
    expect(all).toHaveLength(Math.ceil(7 / limit));
  });

  it('goes on when the space where a page ended was unlinked, and shows what has come', async () => {
    const root = await rootOfTree();
    const { next_batch } = await page(id('root'), 'limit=4');
    await root.event({ type: 'm.space.child', sender: ALICE, stateKey: id('sub'), content: {} });
    await make('e');
    await link(root, id('e'), { order: ' ' });
    expect(names(await page(id('root'), `limit=4&from=${next_batch}`))).toEqual(['e', 'd']);
  });

  it('may not change its parameters from page to page', async () => {
    const root = await tree();
    const { next_batch: from } = await page(root, 'limit=2&max_depth=2');
    expect((await ask(root, `from=${from}&max_depth=2&limit=7`)).status).toBe(200);
    for (const query of ['max_depth=1', '', 'max_depth=2&suggested_only=true']) {
      expect(await ask(root, `from=${from}&${query}`)).toEqual(error(400, 'M_INVALID_PARAM'));
    }
    expect(await ask(id('sub'), `from=${from}&max_depth=2`)).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await ask(root, 'from=x')).toEqual(error(400, 'M_INVALID_PARAM'));
  });

  it.each(['limit=0', 'limit=x', 'max_depth=-1', 'suggested_only=1'])(
    'is not asked for %s',
    async (query) => {
      expect(await ask(id('root'), query)).toEqual(error(400, 'M_INVALID_PARAM'));
    },
  );

  it('does not have what was unlinked', async () => {
    const root = await space('root', { a: { via: [] }, b: { via: 'hs1' }, c: {} });
    for (const name of ['a', 'b', 'c', 'd']) await make(name);
    const linked = await link(root, id('d'));
    await root.event({ type: 'm.space.child', sender: ALICE, stateKey: id('c'), content: {} });
    expect(names(await page(id('root')))).toEqual(['root', 'd']);
    await root.event({ type: 'm.room.redaction', sender: ALICE, redacts: linked });
    expect(names(await page(id('root')))).toEqual(['root']);
  });

  it('does not have what an oversized event names', async () => {
    await space('root', { a: {}, b: { padding: 'x'.repeat(9_000) } });
    for (const name of ['a', 'b']) await make(name);
    expect(names(await page(id('root')))).toEqual(['root', 'a']);
  });

  it('is only a tree where rooms are spaces', async () => {
    const plain = await make('plain');
    await make('a');
    await link(plain, id('a'));
    expect(await page(id('plain'))).toMatchObject({ rooms: [{ room_id: id('plain'), children_state: [] }] });
  });
});

describe('what a user may know of', () => {
  const rule = (join_rule: string, more: JsonObject = {}) => ({
    'm.room.join_rules': { join_rule, ...more },
  });
  const allowing = (name: string) => ({ allow: [{ type: 'm.room_membership', room_id: id(name) }] });

  it('is what the user is in, may enter, or may read', async () => {
    const rooms = {
      ...{ public: {}, knock: rule('knock'), invited: rule('invite'), joined: rule('invite') },
      ...{ left: rule('invite'), private: rule('invite'), club: rule('invite'), strangers: rule('invite') },
      ...{
        restricted: rule('restricted', allowing('club')),
        shut: rule('restricted', allowing('strangers')),
      },
      banned: {},
      readable: { ...rule('invite'), 'm.room.history_visibility': { history_visibility: 'world_readable' } },
    };
    await space('root', Object.fromEntries(Object.keys(rooms).map((name) => [name, {}])));
    for (const [name, states] of Object.entries<Record<string, JsonObject>>(rooms)) {
      const room = await make(name, states);
      if (['joined', 'club'].includes(name)) await room.member(BOB, 'join');
      if (name === 'left') await room.member(BOB, 'leave');
      if (name === 'invited') await room.member(BOB, 'invite', ALICE);
      if (name === 'banned') await room.member(BOB, 'ban', ALICE);
    }
    const seen = ['root', 'public', 'knock', 'invited', 'joined', 'club', 'restricted', 'readable'];
    expect(names(await page(id('root'), '', BOB))).toEqual(seen);
    expect(await pages(id('root'), 'limit=3', BOB)).toEqual([
      seen.slice(0, 3),
      seen.slice(3, 6),
      seen.slice(6),
    ]);
    expect(names(await page(id('root')))).toHaveLength(13);
  });

  it('is no space that the user may not enter, nor what is below it', async () => {
    const root = await space('root', { hidden: {} });
    const hidden = await space('hidden', { a: {} });
    await hidden.state('m.room.join_rules', ALICE, { join_rule: 'invite' });
    await make('a');
    expect(names(await page(id('root'), '', BOB))).toEqual(['root']);
    await root.state('m.room.join_rules', ALICE, { join_rule: 'invite' });
    expect(await ask(id('root'), '', BOB)).toEqual(error(403, 'M_FORBIDDEN'));
    await root.member(BOB, 'ban', ALICE);
    await root.state('m.room.join_rules', ALICE, { join_rule: 'public' });
    expect(await ask(id('root'), '', BOB)).toEqual(error(403, 'M_FORBIDDEN'));
    expect(await ask(id('unknown'), '', BOB)).toEqual(error(403, 'M_FORBIDDEN'));
    expect(app.servers.asked).toEqual([]);
  });

  it('is checked again on each page', async () => {
    const root = await space('root', { a: {}, b: {} });
    await make('a');
    await make('b');
    const { next_batch } = await page(id('root'), 'limit=1', BOB);
    await root.state('m.room.join_rules', ALICE, { join_rule: 'invite' });
    expect(await ask(id('root'), `from=${next_batch}`, BOB)).toEqual(error(403, 'M_FORBIDDEN'));
  });
});

describe('rooms of other servers', () => {
  const summary = (name: string, more: JsonObject = {}) => ({
    ...{ room_id: id(name, 'hs2'), num_joined_members: 2, world_readable: false, guest_can_join: false },
    ...{ join_rule: 'public', name },
    ...more,
  });
  const childOf = (name: string, more: JsonObject = {}) => ({
    ...{ type: 'm.space.child', state_key: id(name, 'hs2'), sender: '@dan:hs2', origin_server_ts: 1 },
    content: { via: ['hs3'] },
    ...more,
  });
  const roomAnswer = (
    room: JsonObject,
    children: JsonObject[] = [],
    states: JsonObject[] = [],
    inaccessible: string[] = [],
  ) =>
    answered({
      room: { ...room, children_state: states },
      children,
      inaccessible_children: inaccessible,
    });
  const askedIds = () =>
    app.servers.asked.map(({ server, path }) => {
      const [, roomId = ''] = /hierarchy\/([^?]+)/.exec(path) ?? [];
      return `${server} ${nameOf(decodeURIComponent(roomId))}`;
    });
  const onHs2 = async (...children: string[]) => {
    const root = await space('root');
    for (const name of children) await link(root, id(name, 'hs2'), { via: ['hs1', 'hs2', 'hs3'] });
    return id('root');
  };

  it('are asked from the servers of the child event, one after the other', async () => {
    const root = await onHs2('far', 'gone');
    app.servers.answer = (server, path) =>
      server === 'hs3' && path.includes('far') ? roomAnswer(summary('far', { secret: 1 })) : refused(404);
    const { rooms } = await page(root);
    expect(rooms.map(({ room_id }) => nameOf(room_id))).toEqual(['root', 'far']);
    expect(rooms[1]).toEqual({ ...summary('far'), children_state: [] });
    expect(askedIds().sort()).toEqual(['hs2 far', 'hs2 gone', 'hs3 far', 'hs3 gone']);
    expect(app.servers.asked[0]?.path).toBe(
      `/_matrix/federation/v1/hierarchy/${encodeURIComponent(id('far', 'hs2'))}?suggested_only=false`,
    );
  });

  it('are asked at most of three servers, and remembered for a while', async () => {
    const root = await space('root');
    await link(root, id('far', 'hs2'), { via: ['hs2', 'hs3', 'hs4', 'hs5'] });
    await page(id('root'));
    expect(askedIds()).toEqual(['hs2 far', 'hs3 far', 'hs4 far']);
    app.servers.answer = () => roomAnswer(summary('far'));
    app.servers.asked.length = 0;
    expect(names(await page(id('root')))).toEqual(['root', 'far']);
    expect(names(await page(id('root')))).toEqual(['root', 'far']);
    expect(askedIds()).toEqual(['hs2 far']);
    await page(id('root'), 'suggested_only=true');
    expect(askedIds()).toEqual(['hs2 far']);
  });

  it('are not asked of a server that let somebody wait in vain just now', async () => {
    const root = await space('root');
    await link(root, id('far', 'hs2'), { via: ['slow', 'idle'] });
    const late = new MatrixError(504, 'M_UNKNOWN', 'late');
    app.servers.answer = () => ({ outcome: 'failed', kind: 'timeout', error: late });
    expect(names(await page(id('root')))).toEqual(['root']);
    app.servers.answer = () => roomAnswer(summary('far'));
    await link(root, id('far', 'hs2'), { via: ['slow', 'hs4'] });
    expect(names(await page(id('root')))).toEqual(['root', 'far']);
    expect(askedIds()).toEqual(['slow far', 'idle far', 'hs4 far']);
  });

  it('tell of their children, and those are not asked for again but for spaces', async () => {
    const root = await onHs2('far');
    await make('ours', { 'm.room.name': { name: 'As we know it' } });
    const ours = { ...summary('x', { name: 'As they say' }), room_id: id('ours') };
    app.servers.answer = (server, path) => {
      if (path.includes('far-')) {
        return roomAnswer(
          summary('far', { room_type: 'm.space' }),
          [
            summary('leaf'),
            summary('inner', { room_type: 'm.space' }),
            ours,
            summary('foreign'),
            { room_id: 7 },
          ],
          [
            childOf('leaf', { content: { via: ['hs3'], order: 'b' } }),
            childOf('inner', { content: { via: ['hs3'], order: 'a' } }),
            childOf('closed'),
            childOf('unlinked', { content: {} }),
            childOf('x', { state_key: id('ours') }),
            { type: 'm.space.child', state_key: 'no room' },
          ],
          [id('closed', 'hs2'), id('ours')],
        );
      }
      if (!path.includes('inner-')) return refused(404);
      return roomAnswer(summary('inner', { room_type: 'm.space' }), [], [childOf('bottom')]);
    };
    const whole = await page(root);
    expect(names(whole)).toEqual(['root', 'far', 'inner', 'leaf', 'ours']);
    expect(whole.rooms.at(-1)).toMatchObject({ name: 'As we know it' });
    expect(askedIds()).toEqual(['hs2 far', 'hs3 inner', 'hs3 bottom']);
  });

  it.each<[string, () => ReturnType<typeof answered>]>([
    ['of another room', () => roomAnswer(summary('other'))],
    ['without a room', () => answered({ children: [] })],
    ['of a room without its numbers', () => roomAnswer({ room_id: id('far', 'hs2') })],
  ])('an answer %s is none', async (_, answer) => {
    const root = await onHs2('far');
    app.servers.answer = (server) => (server === 'hs2' ? answer() : roomAnswer(summary('far')));
    expect(names(await page(root))).toEqual(['root', 'far']);
    expect(askedIds()).toEqual(['hs2 far', 'hs3 far']);
  });

  it('are kept from users who may not enter them', async () => {
    const root = await onHs2('club', 'others', 'closed', 'asked');
    const closed = (name: string, more: JsonObject) => summary(name, { join_rule: 'restricted', ...more });
    const club = await make('club');
    await club.member(BOB, 'join');
    const invite = await RoomRows.create(app.database, { roomId: id('asked', 'hs2') });
    await invite.member(BOB, 'invite', ALICE);
    app.servers.answer = (_, path) => {
      if (path.includes('club-')) return roomAnswer(closed('club', { allowed_room_ids: [id('club')] }));
      if (path.includes('others-')) return roomAnswer(closed('others', { allowed_room_ids: ['!x:hs9', 7] }));
      if (path.includes('asked-')) return roomAnswer(summary('asked', { join_rule: 'invite' }));
      return roomAnswer(summary('closed', { join_rule: 'invite' }));
    };
    expect(names(await page(root, '', BOB))).toEqual(['root', 'club', 'asked']);
  });

  it('can be the root', async () => {
    app.servers.answer = () =>
      roomAnswer(summary('far', { room_type: 'm.space' }), [summary('leaf')], [childOf('leaf')]);
    expect(names(await page(id('far', 'hs2'), '', BOB))).toEqual(['far', 'leaf']);
    expect(askedIds()).toEqual(['hs2 far']);
  });

  it('are asked for so many of at a time; the next page goes on', async () => {
    const far = Array.from({ length: 45 }, (_, i) => `far${i}`);
    const root = await onHs2(...far);
    app.servers.answer = (_, path) => {
      const [, name = ''] = /hierarchy\/!(far\d+)-/.exec(decodeURIComponent(path)) ?? [];
      return Number(name.slice(3)) % 2 === 0 ? roomAnswer(summary(name)) : refused(404);
    };
    const found = far.filter((_, i) => i % 2 === 0);
    expect(await pages(root, 'limit=100')).toEqual([['root', ...found.slice(0, 15)], found.slice(15)]);
    const first = new Set(askedIds().slice(0, 45));
    expect(first.size).toBe(45);
  });
});
