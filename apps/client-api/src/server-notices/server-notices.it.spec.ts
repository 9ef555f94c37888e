import {
  AccountReader,
  AccountTransactor,
  ServerNoticeReader,
  ServerNoticeTransactor,
} from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import { forbidden, type JsonObject, overloaded, type RoomId, type UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALICE, BOB, type RoomsApp, startRoomsApp } from '../rooms/rooms-app.spec-support.js';
import { startTestClientApi, PASSWORD } from '../test-client-api.spec-support.js';
import { ServerNoticesModule } from './server-notices.module.js';

const NOTICES = '@server:hs1' as UserId;
const CANNOT_LEAVE = { status: 403, body: { errcode: 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM' } };

describe('a notice', () => {
  let app: RoomsApp;
  let reader: ServerNoticeReader;
  let rooms: Map<RoomId, RoomRows>;
  let fail: Record<string, () => void>;
  let number = 0;
  beforeAll(async () => {
    app = await startRoomsApp({
      settings: { ATOLL_SERVER_NOTICES_USER: 'server', ATOLL_SERVER_NOTICES_ROOM_NAME: 'From us' },
      modules: [ServerNoticesModule],
    });
    reader = new ServerNoticeReader(app.database);
    await app.database.db.transaction().execute(async (trx) => {
      for (const userId of [ALICE, BOB]) {
        await new AccountTransactor(trx).create({ userId, passwordHash: null, isAdmin: false });
      }
    });
  });
  afterAll(() => app.stop());

  beforeEach(async () => {
    for (const table of ['server_notice_deliveries', 'server_notice_rooms', 'account_data'] as const) {
      await app.database.db.deleteFrom(table).execute();
    }
    rooms = new Map();
    fail = {};
    app.commands.asked.length = 0;
    app.commands.answer = async (pattern, input) => {
      fail[pattern]?.();
      if (pattern === 'room.create') return makeRoom(input);
      if (pattern === 'room.change-membership') {
        const { roomId, target, sender } = input;
        await rooms.get(roomId as RoomId)?.member(target as UserId, 'invite', sender as UserId);
      }
      return { eventId: '$event' };
    };
  });

  /** What room-state would have written, as far as it is looked at. */
  async function makeRoom({ roomId, creator }: JsonObject): Promise<JsonObject> {
    const room = await RoomRows.create(app.database, { roomId: roomId as RoomId });
    await room.member(creator as UserId, 'join');
    rooms.set(room.roomId, room);
    return { roomId: room.roomId };
  }

  const add = (to: UserId | 'all' = ALICE, noticeId = `notice${(number += 1)}`) =>
    app.database.db
      .transaction()
      .execute((trx) => new ServerNoticeTransactor(trx).add({ noticeId, body: 'hello' }, to, NOTICES));
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 20_000;
    while (!(await isSo())) {
      if (Date.now() > end) throw new Error('it did not come to that');
      await sleep(50);
    }
  }
  const attempts = async () => {
    const rows = await app.database.db.selectFrom('server_notice_deliveries').select('attempts').execute();
    return rows.map((row) => row.attempts);
  };
  const delivered = () => until(async () => (await attempts()).length === 0);
  /** At once, rather than when the wait is over. */
  const hurry = (attempt?: number) =>
    app.database.db
      .updateTable('server_notice_deliveries')
      .set({ next_try_ts: 0, ...(attempt !== undefined && { attempts: attempt }) })
      .where('next_try_ts', 'is not', null)
      .execute();
  const asked = () =>
    app.commands.asked.map(({ pattern, input }) => (input['action'] ?? input['type'] ?? pattern) as string);
  const inputs = (step: string) =>
    app.commands.asked.filter((_, i) => asked()[i] === step).map(({ input }) => input);

  it('comes into a room that is tagged, is not of the user, and is used again', async () => {
    await add();
    await delivered();
    expect(asked()).toEqual(['room.create', 'invite', 'm.room.message']);
    expect(inputs('room.create')).toMatchObject([
      {
        creator: NOTICES,
        creatorProfile: { displayname: 'Server Notices' },
        name: 'From us',
        invite: [],
        inDirectory: false,
        createEvent: { content: { 'm.federate': false } },
        powerLevelContentOverride: { users_default: -10 },
      },
    ]);
    const room = await reader.roomOf(ALICE);
    expect([...rooms.keys()]).toEqual([room?.roomId]);
    expect(inputs('invite')).toMatchObject([{ sender: NOTICES, target: ALICE, roomId: room?.roomId }]);
    expect(inputs('m.room.message')).toMatchObject([
      { sender: NOTICES, roomId: room?.roomId, content: { msgtype: 'm.text', body: 'hello' } },
    ]);
    const tags = await app.database.db
      .selectFrom('account_data')
      .select(['room_id', 'content'])
      .where('user_id', '=', ALICE)
      .execute();
    expect(tags).toEqual([{ room_id: room?.roomId, content: '{"tags":{"m.server_notice":{}}}' }]);

    app.commands.asked.length = 0;
    await add();
    await delivered();
    expect(asked()).toEqual(['m.room.message']);
    expect(inputs('m.room.message')).toMatchObject([{ roomId: room?.roomId }]);
  });

  it('makes another room when the user has left the last one', async () => {
    await add();
    await delivered();
    const [first] = [...rooms.values()];
    await first?.member(ALICE, 'join');
    await first?.member(ALICE, 'leave');
    await add();
    await delivered();
    expect(asked().slice(3)).toEqual(['room.create', 'invite', 'm.room.message']);
    expect([...rooms.keys()][1]).toBe((await reader.roomOf(ALICE))?.roomId);
    const wishes = app.commands.asked.filter(({ pattern }) => pattern === 'room.create');
    expect(new Set(wishes.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
  });

  it.each([
    ['deleted', 'DELETE FROM rooms WHERE room_id = $1'],
    ['closed', 'INSERT INTO room_blocks VALUES ($1, true, 0)'],
  ])('makes another room when an operator has %s the last one', async (_, statement) => {
    await add();
    await delivered();
    const last = [...rooms.keys()][0];
    await app.database.pool.query(statement, [last]);
    await add();
    await delivered();
    expect(asked().slice(3)).toEqual(['room.create', 'invite', 'm.room.message']);
    expect((await reader.roomOf(ALICE))?.roomId).not.toBe(last);
  });

  it.each([
    ['room.create', ['room.create', 'room.create', 'invite', 'm.room.message']],
    ['room.change-membership', ['room.create', 'invite', 'invite', 'm.room.message']],
    ['room.send-event', ['room.create', 'invite', 'm.room.message', 'm.room.message']],
  ])('goes on after a failure of %s where it was, as the same wish', async (pattern, steps) => {
    fail[pattern] = () => {
      throw overloaded(1);
    };
    await add();
    await until(() => Promise.resolve(app.commands.asked.some((command) => command.pattern === pattern)));
    fail = {};
    await hurry();
    await delivered();
    expect(asked()).toEqual(steps);
    const tries = app.commands.asked.filter((command) => command.pattern === pattern);
    if (pattern !== 'room.change-membership') {
      expect(new Set(tries.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    }
  });

  it('is given up when it is refused for good, not while nobody can say', async () => {
    fail['room.send-event'] = () => {
      throw overloaded(1);
    };
    await add();
    await until(async () => (await attempts())[0] === 1);
    await hurry(50);
    await until(async () => {
      await hurry();
      return ((await attempts())[0] ?? 0) > 52;
    });
    const state = () =>
      app.database.db.selectFrom('server_notice_deliveries').select('next_try_ts').executeTakeFirst();
    fail['room.send-event'] = () => {
      throw forbidden('no');
    };
    await until(async () => {
      await hurry();
      return (await state())?.next_try_ts === null;
    });
  });

  it('has an invite that cannot be rejected, in any way; whoever has joined may leave', async () => {
    await add();
    await delivered();
    const [room] = [...rooms.values()];
    if (!room) throw new Error('no room');
    const inRoom = (path: string) => `rooms/${encodeURIComponent(room.roomId)}/${path}`;
    const leave = (user = ALICE) => app.call(user, 'POST', inRoom('leave'), {});
    app.commands.asked.length = 0;
    expect(await leave()).toMatchObject(CANNOT_LEAVE);
    expect(await app.call(ALICE, 'POST', inRoom('kick'), { user_id: ALICE })).toMatchObject(CANNOT_LEAVE);
    const state = inRoom(`state/m.room.member/${ALICE}`);
    expect(await app.call(ALICE, 'PUT', state, { membership: 'leave' })).toMatchObject(CANNOT_LEAVE);
    expect(asked()).toEqual([]);
    // Not of others, and not in other rooms.
    await room.member(BOB, 'invite', NOTICES);
    expect((await leave(BOB)).status).toBe(200);
    await room.member(ALICE, 'join');
    expect((await leave()).status).toBe(200);
    const other = await RoomRows.create(app.database, { roomId: `!other${number}:hs1` as RoomId });
    await other.member(ALICE, 'invite', BOB);
    expect((await app.call(ALICE, 'POST', `rooms/${other.roomId}/leave`, {})).status).toBe(200);
  });
});

describe('the account of the server', () => {
  const settings = {
    ATOLL_SERVER_NOTICES_USER: 'server',
    ATOLL_SERVER_NOTICES_DISPLAY_NAME: 'The server',
    ATOLL_SERVER_NOTICES_AVATAR: 'mxc://hs1/avatar',
  };

  it('is there from the start, has a profile, and nobody can have it or log in as it', async () => {
    const api = await startTestClientApi(settings);
    expect((await api.request('GET', `/profile/${NOTICES}`)).body).toEqual({
      displayname: 'The server',
      avatar_url: 'mxc://hs1/avatar',
    });
    const auth = { type: 'm.login.dummy' };
    const body = { username: 'server', password: PASSWORD, auth };
    expect((await api.request('POST', '/register', { body })).body['errcode']).toBe('M_USER_IN_USE');
    for (const password of [PASSWORD, '']) {
      const identifier = { type: 'm.id.user', user: 'server' };
      const login = { type: 'm.login.password', identifier, password };
      expect((await api.request('POST', '/login', { body: login })).status).toBe(403);
    }
    expect(await new AccountReader(api.database).find(NOTICES)).toMatchObject({ passwordHash: null });
    await api.close();
  });

  it('is not taken from somebody', async () => {
    const app = await startRoomsApp();
    await app.database.db.transaction().execute(async (trx) => {
      await new AccountTransactor(trx).create({ userId: NOTICES, passwordHash: 'hash', isAdmin: false });
    });
    const { ServerNoticesAccount } = await import('./server-notices-account.js');
    const config = {
      ...app.platform.config,
      serverNotices: { userId: NOTICES, displayName: 'x', avatarUrl: undefined, roomName: 'x' },
    };
    const unused = undefined as never;
    const account = new ServerNoticesAccount(
      config,
      app.database,
      new AccountReader(app.database),
      unused,
      unused,
    );
    await expect(account.onModuleInit()).rejects.toThrow(/@server:hs1 is or was the account of somebody/);
    await app.stop();
  });
});
