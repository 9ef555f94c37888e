import { beforeEach, describe, expect, test } from '@jest/globals';
import { type ClientEvent, path, type SyncAnswer, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SlidingClient } from '../sliding-client.js';
import { newUsers } from '../users.js';

let alice: TestUser;
let bob: TestUser;
beforeEach(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

type Rules = Record<string, { rule_id: string; conditions?: object[] }[]>;

/** The rules that account data events tell. */
const told = (events: readonly ClientEvent[] = []): Rules | undefined =>
  events.find(({ type }) => type === 'm.push_rules')?.content['global'] as Rules | undefined;
const toldIn = (answer: SyncAnswer) => told(answer.account_data?.events);
const idsIn = (rules: Rules | undefined, kind: string) => (rules?.[kind] ?? []).map(({ rule_id }) => rule_id);

const rulesOf = async (user: TestUser) => (await user.expect('GET', '/v3/pushrules/'))['global'] as Rules;
const set = (user: TestUser, kind: string, ruleId: string, rule: object = {}) =>
  user.expect('PUT', path`/v3/pushrules/global/${kind}/${ruleId}`, { actions: ['notify'], ...rule });

describe('push rules in sync (behaviour 32)', () => {
  test('come with the first answer, and wake a waiting one at another instance when they change', async () => {
    const [one = '', other = one] = sharedCluster().clientApis;
    const first = await alice.sync();
    expect(JSON.stringify(toldIn(first))).toBe(JSON.stringify(await rulesOf(alice)));
    const changes: [string, (user: TestUser) => Promise<unknown>][] = [
      ['a rule', (user) => set(user, 'room', '!quiet:hs')],
      [
        'enabled',
        (user) =>
          user.expect('PUT', '/v3/pushrules/global/override/.m.rule.master/enabled', { enabled: true }),
      ],
      [
        'actions',
        (user) =>
          user.expect('PUT', '/v3/pushrules/global/underride/.m.rule.message/actions', { actions: [] }),
      ],
      ['no rule', (user) => user.expect('DELETE', path`/v3/pushrules/global/room/${'!quiet:hs'}`)],
    ];
    let since = first.next_batch;
    for (const [, change] of changes) {
      const waiting = alice.through(one).sync({ since, timeout: 30_000 });
      await change(alice.through(other));
      const answer = await waiting;
      expect(JSON.stringify(toldIn(answer))).toBe(JSON.stringify(await rulesOf(alice)));
      since = answer.next_batch;
    }
    expect(toldIn(await alice.sync({ since }))).toBeUndefined();
  });

  test('come by sliding sync, too', async () => {
    const client = new SlidingClient(alice);
    const body = { extensions: { account_data: { enabled: true } } };
    const first = await client.next(body);
    expect(told(first.extensions['account_data']?.global)).toEqual(await rulesOf(alice));
    const waiting = client.next({ ...body, timeout: 30_000 });
    await set(alice, 'content', 'cake', { pattern: 'cake' });
    const second = told((await waiting).extensions['account_data']?.global);
    expect(idsIn(second, 'content')).toEqual(['cake']);
    expect((await client.next(body)).extensions['account_data']).toBeUndefined();
  });
});

describe('a room that replaces another gets its push rules (behaviour 37)', () => {
  const named = (roomId: string) => ({
    conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }],
  });

  async function roomWithRules(): Promise<string> {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(roomId);
    for (const user of [alice, bob]) {
      await set(user, 'room', roomId);
      await set(user, 'override', roomId, named(roomId));
    }
    await bob.expect('PUT', path`/v3/user/${bob.userId}/rooms/${roomId}/tags/m.favourite`, { order: 0.5 });
    await bob.expect('PUT', path`/v3/user/${bob.userId}/account_data/m.direct`, { [alice.userId]: [roomId] });
    return roomId;
  }

  /** Everybody's next sync tells the rules, those of the old room still among them. */
  async function expectFollowed(user: TestUser, since: string, from: string, to: string): Promise<void> {
    const rules = toldIn(await user.sync({ since }));
    expect(idsIn(rules, 'room')).toEqual([to, from]);
    expect(rules?.['override']?.slice(1, 3)).toMatchObject([
      { rule_id: to, ...named(to) },
      { rule_id: from, ...named(from) },
    ]);
  }

  const upgrades: [string, (old: string) => Promise<string>][] = [
    [
      'upgraded',
      async (old) => {
        const body = { new_version: '12' };
        return String((await alice.expect('POST', path`/v3/rooms/${old}/upgrade`, body))['replacement_room']);
      },
    ],
    [
      'replaced by hand',
      async (old) => {
        const creation_content = { predecessor: { room_id: old } };
        const replacement_room = await alice.createRoom({ preset: 'public_chat', creation_content });
        await alice.setState(old, 'm.room.tombstone', { body: 'moved', replacement_room });
        return replacement_room;
      },
    ],
  ];
  test.each(upgrades)('%s', async (_, upgrade) => {
    const old = await roomWithRules();
    const [{ next_batch: before }, { next_batch: beforeBob }] = [await alice.sync(), await bob.sync()];
    const replacement = await upgrade(old);
    await expectFollowed(alice, before, old, replacement);
    expect(idsIn(await rulesOf(bob), 'room')).toEqual([old]);
    await bob.join(replacement);
    await expectFollowed(bob, beforeBob, old, replacement);
    const tags = await bob.expect('GET', path`/v3/user/${bob.userId}/rooms/${replacement}/tags`);
    expect(tags['tags']).toEqual({ 'm.favourite': { order: 0.5 } });
    const direct = await bob.expect('GET', path`/v3/user/${bob.userId}/account_data/m.direct`);
    expect(direct).toEqual({ [alice.userId]: [old, replacement] });
  });

  test('by who says so in the room’s state, too, but only about rooms of that predecessor', async () => {
    const [old, other] = [await roomWithRules(), await roomWithRules()];
    const creation_content = { predecessor: { room_id: old } };
    const replacement = await alice.createRoom({ preset: 'public_chat', creation_content });
    const { next_batch: since } = await bob.sync();
    await bob.setState(replacement, 'm.room.member', { membership: 'join' }, bob.userId);
    expect(idsIn(toldIn(await bob.sync({ since })), 'room')).toEqual([other, replacement, old]);
  });
});
