import type { PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSyncApp, type SyncApp, type SyncUser } from '../sync/sync-app.spec-support.js';

const UNSUBSCRIBED = '.io.element.msc4306.rule.unsubscribed_thread';
const SUBSCRIBED = '.io.element.msc4306.rule.subscribed_thread';
const condition = (subscribed: boolean) => ({ kind: 'io.element.msc4306.thread_subscription', subscribed });
const predefined = { default: true, enabled: true };
const rules = [
  { rule_id: UNSUBSCRIBED, ...predefined, conditions: [condition(false)], actions: [] },
  {
    rule_id: SUBSCRIBED,
    ...predefined,
    conditions: [condition(true)],
    actions: ['notify', { set_tweak: 'sound', value: 'default' }],
  },
];

/** @see proposals/4306-thread-subscriptions.md */
describe('rules about threads, switched on', () => {
  let app: SyncApp;
  let alice: SyncUser;
  let bob: SyncUser;
  let number = 0;

  beforeAll(async () => {
    app = await startSyncApp({ ATOLL_THREAD_SUBSCRIPTION_RULES: 'on' });
    bob = await app.register('bob');
  });
  beforeEach(async () => {
    alice = await app.register(`alice${number++}`);
  });
  afterAll(() => app.close());

  const call = (method: string, path: string, body?: JsonObject) =>
    app.request(method, `/pushrules/global/${path}`, { token: alice.token, ...(body && { body }) });

  it('are advertised, and told among the others', async () => {
    const { body } = await app.request('GET', '/_matrix/client/versions');
    expect(body['unstable_features']).toMatchObject({ 'org.matrix.msc4306': true });
    const all = (await call('GET', '')).body;
    expect(Object.keys(all)).toEqual(['override', 'content', 'postcontent', 'room', 'sender', 'underride']);
    expect(all['postcontent']).toEqual(rules);
    const { account_data } = await app.sync(alice);
    const told = account_data?.events.find(({ type }) => type === 'm.push_rules');
    expect(told?.['content']).toEqual({ global: all });
    const path = `/user/${alice.userId}/account_data/m.push_rules`;
    expect((await app.request('GET', path, { token: alice.token })).body).toEqual({ global: all });
  });

  it('can be switched off and changed, but neither removed nor added to', async () => {
    for (const id of [SUBSCRIBED, UNSUBSCRIBED]) {
      const path = `postcontent/${id}`;
      expect((await call('PUT', `${path}/enabled`, { enabled: false })).status).toBe(200);
      expect((await call('GET', `${path}/enabled`)).body).toEqual({ enabled: false });
      expect((await call('PUT', `${path}/actions`, { actions: ['notify'] })).status).toBe(200);
      expect((await call('GET', `${path}/actions`)).body).toEqual({ actions: ['notify'] });
      expect((await call('DELETE', path)).status).toBe(404);
      expect((await call('GET', path)).body).toMatchObject({ enabled: false, actions: ['notify'] });
      const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
      expect(await call('PUT', path, { actions: [] })).toMatchObject(refused);
      expect(await call('PUT', 'postcontent/mine', { actions: [], conditions: [] })).toMatchObject(refused);
    }
  });

  describe('decide what is unread', () => {
    let room: RoomRows;
    let [heard, unheard] = [] as unknown as [PlacedRow, PlacedRow];
    beforeEach(async () => {
      room = await app.createRoom(bob.userId);
      await room.member(alice.userId, 'join');
      [heard, unheard] = [await room.message(bob.userId, 'one'), await room.message(bob.userId, 'two')];
      const path = `rooms/${room.roomId}/thread/${encodeURIComponent(heard.eventId)}/subscription`;
      await app.request('PUT', `/_matrix/client/unstable/io.element.msc4306/${path}`, { token: alice.token });
    });

    const reply = (root: PlacedRow, content: JsonObject = {}) =>
      room.event({
        type: 'm.room.message',
        sender: bob.userId,
        content: { ...content, 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } },
      });
    const counts = (notification_count: number, highlight_count = 0) => ({
      notification_count,
      highlight_count,
    });
    const unread = async () => {
      const filter = { room: { timeline: { unread_thread_notifications: true } } };
      const section = (await app.sync(alice, { filter })).rooms?.join?.[room.roomId];
      return [section?.unread_notifications, section?.unread_thread_notifications];
    };

    it('by subscriptions, whatever is set for the room', async () => {
      await reply(heard);
      await reply(unheard);
      expect(await unread()).toEqual([counts(2), { [heard.eventId]: counts(1) }]);
      await call('PUT', `room/${encodeURIComponent(room.roomId)}`, { actions: [] });
      expect(await unread()).toEqual([counts(0), { [heard.eventId]: counts(1) }]);
      await call('PUT', `room/${encodeURIComponent(room.roomId)}`, { actions: ['notify'] });
      expect(await unread()).toEqual([counts(2), { [heard.eventId]: counts(1) }]);
    });

    it('but for mentions', async () => {
      await reply(unheard);
      await reply(unheard, { 'm.mentions': { user_ids: [alice.userId] } });
      expect(await unread()).toEqual([counts(2), { [unheard.eventId]: counts(1, 1) }]);
    });

    it('of a sliding sync too', async () => {
      await reply(heard);
      await reply(unheard);
      const list = { ranges: [[0, 9]], timeline_limit: 1, required_state: [] };
      const { body } = await app.request(
        'POST',
        '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
        {
          token: alice.token,
          body: { lists: { all: list }, extensions: { account_data: { enabled: true } } },
        },
      );
      expect((body['rooms'] as Record<string, JsonObject>)[room.roomId]).toMatchObject(counts(3));
      expect(body['extensions']).toMatchObject({
        account_data: { global: [{ type: 'm.push_rules', content: { global: { postcontent: rules } } }] },
      });
    });
  });
});
