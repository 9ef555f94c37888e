import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { namesOf, startSyncApp, type SyncApp, type SyncUser } from './sync-app.spec-support.js';

describe('GET /sync', () => {
  let app: SyncApp;
  let alice: SyncUser;

  beforeAll(async () => {
    app = await startSyncApp();
    alice = await app.register('alice');
  });
  afterAll(() => app.close());

  const put = (path: string, body: JsonObject) =>
    app.request('PUT', `/user/${alice.userId}${path}`, { token: alice.token, body });

  it.each([
    { since: 'garbage' },
    { since: '' },
    { timeout: '-1' },
    { timeout: 'soon' },
    { full_state: 'yes' },
    { set_presence: 'hiding' },
    { filter: '{' },
    { filter: '{"room":{"timeline":{"types":7}}}' },
    { filter: 'nosuchfilter' },
    { filter: '\0' },
  ])('refuses %j', async (parameters) => {
    const { status, body } = await app.request('GET', app.url(parameters), { token: alice.token });
    expect({ status, errcode: body['errcode'] }).toEqual({ status: 400, errcode: 'M_INVALID_PARAM' });
  });

  it('is JSON under v3 and r0, for holders of a token only', async () => {
    const answer = await app.request('GET', app.url({ set_presence: 'offline' }), { token: alice.token });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const old = await app.request('GET', `/_matrix/client/r0${app.url({ set_presence: 'offline' })}`, {
      token: alice.token,
    });
    expect(old.body).toEqual(answer.body);
    expect((await app.request('GET', '/sync')).status).toBe(401);
  });

  it('applies a stored filter: rooms, types, fields, format', async () => {
    const [room, other] = [await app.createRoom(alice.userId), await app.createRoom(alice.userId)];
    await room.message(alice.userId, 'hello');
    const filter = {
      event_fields: ['type', 'content.body', 'event_id'],
      room: {
        not_rooms: [other.roomId],
        state: { types: [] },
        timeline: { types: ['m.room.mess*'], not_senders: ['@nobody:hs1'] },
      },
    };
    const { body } = await app.request('POST', `/user/${alice.userId}/filter`, {
      token: alice.token,
      body: filter,
    });
    const answer = await app.sync(alice, { filter: body['filter_id'] as string });
    expect(Object.keys(answer.rooms?.join ?? {})).toEqual([room.roomId]);
    const told = answer.rooms?.join?.[room.roomId];
    expect(told?.timeline.events).toEqual([
      { type: 'm.room.message', content: { body: 'hello' }, event_id: expect.any(String) },
    ]);
    expect(told?.state?.events).toEqual([]);

    const raw = await app.sync(alice, { filter: { event_format: 'federation' } });
    expect(raw.rooms?.join?.[room.roomId]?.timeline.events[0]).toMatchObject({
      depth: expect.any(Number),
      hashes: {},
    });
  });

  it('tells account data when it changes, of rooms and global, as filtered', async () => {
    const room = await app.createRoom(alice.userId);
    const { next_batch: since } = await app.sync(alice);
    await put('/account_data/org.example.theme', { dark: true });
    await put(`/rooms/${encodeURIComponent(room.roomId)}/account_data/m.tag`, { tags: {} });
    const answer = await app.sync(alice, { since });
    expect(answer.account_data).toEqual({ events: [{ type: 'org.example.theme', content: { dark: true } }] });
    expect(answer.rooms?.join?.[room.roomId]).toMatchObject({
      timeline: { events: [], limited: false },
      account_data: { events: [{ type: 'm.tag', content: { tags: {} } }] },
    });
    expect(await app.sync(alice, { since: answer.next_batch })).toEqual({ next_batch: answer.next_batch });
    const filter = {
      account_data: { not_types: ['*'] },
      room: { account_data: { types: ['m.fully_read'] } },
    };
    expect(await app.sync(alice, { since, filter })).toEqual({ next_batch: answer.next_batch });
    const whole = await app.sync(alice);
    expect(namesOf(whole.account_data?.events)).toEqual(['m.push_rules', 'org.example.theme']);
    expect(namesOf(whole.rooms?.join?.[room.roomId]?.account_data.events)).toEqual(['m.tag']);
  });

  it('tells the transaction id to the sending device', async () => {
    const room = await app.createRoom(alice.userId);
    const { next_batch: since } = await app.sync(alice);
    const { deviceId } = alice;
    await room.event({
      type: 'm.room.message',
      sender: alice.userId,
      content: { body: 'sent' },
      transaction: { deviceId, scope: 'x', id: 'txn1' },
    });
    const phone = await app.logIn('alice');
    const unsigned = async (user: typeof phone) => {
      const { rooms } = await app.sync(user, { since });
      return rooms?.join?.[room.roomId]?.timeline.events[0]?.['unsigned'];
    };
    expect(await unsigned(alice)).toMatchObject({ transaction_id: 'txn1' });
    expect(await unsigned(phone)).not.toHaveProperty('transaction_id');
  });
});
