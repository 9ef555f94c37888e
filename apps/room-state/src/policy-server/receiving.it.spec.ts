import { partitionOf, ReceiveMembership } from '@atoll/contract';
import { EVENT_STATUS } from '@atoll/database';
import type { Pdu, RoomId, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { eventIdOf, POLICY_KEY_ID, type RoomVersionRules, rulesOf, signEvent } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ReceiveMembershipHandler } from '../receive-membership/receive-membership.handler.js';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { countStaged, stage, until } from '../resident-server.spec-support.js';
import { StagedPdus } from '../staged-pdus/staged-pdus.js';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { PolicyNetwork, refused, SILENCE } from './policy-server.spec-support.js';

const RULES = rulesOf('12') as RoomVersionRules;
const FAY = '@fay:hs2' as UserId;
const memberEvent = (user: UserId, membership: string) => ({
  type: 'm.room.member',
  sender: user,
  state_key: user,
  content: { membership },
});

describe('events of other servers in a room with a policy server', () => {
  const network = new PolicyNetwork(RULES);
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;

  beforeAll(async () => {
    service = await startTestRoomState({ federation: network });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(async () => {
    await service.module.get(StagedPdus).stop();
    await service.stop();
  });
  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
    await remote.send(roomId, '12', memberEvent(EVE, 'join'));
    const content = network.content;
    await service.send({ roomId, sender: ALICE, type: 'm.room.policy', stateKey: '', content });
    network.reset();
  });

  const say = (body: string) => remote.event(roomId, '12', { type: 'm.room.message', content: { body } });
  const idOf = (pdu: Pdu) => eventIdOf(pdu, RULES);
  const row = (pdu: Pdu) =>
    service.database.db
      .selectFrom('events')
      .select(['status', 'problem', 'json'])
      .where('event_id', '=', idOf(pdu))
      .executeTakeFirst();
  const take = async (...pdus: Pdu[]) => {
    await stage(
      service,
      roomId,
      pdus.map((pdu) => ({ eventId: idOf(pdu), pdu })),
    );
    await until(async () => (await countStaged(service, roomId)) === 0, 20_000);
  };

  it('are taken without a question when they are signed', async () => {
    const pdu = await signEvent(await say('signed'), RULES, HS2, network.key);
    await take(pdu);
    expect(await row(pdu)).toMatchObject({ status: EVENT_STATUS.accepted });
    expect(network.requests).toEqual([]);
  });

  it('are asked about when they are not, and keep the signature', async () => {
    const first = await say('first');
    const stale = await signEvent(await say('stale'), RULES, HS2, network.key);
    const old = 'x'.repeat(86);
    Object.assign(stale.signatures[HS2] ?? {}, { [POLICY_KEY_ID]: old });
    await take(first, stale);
    for (const pdu of [first, stale]) {
      const stored = await row(pdu);
      expect(stored).toMatchObject({ status: EVENT_STATUS.accepted });
      const { signatures } = JSON.parse(stored?.json ?? '') as Pdu;
      expect(Object.keys(signatures[HS2] ?? {}).sort()).toEqual([remote.key.keyId, POLICY_KEY_ID].sort());
      expect(signatures[HS2]?.[POLICY_KEY_ID]).not.toBe(old);
    }
    expect(network.asked.map(idOf).sort()).toEqual([first, stale].map(idOf).sort());
  });

  it('are soft-failed when it refuses', async () => {
    network.verdict = () => refused(400, { errcode: 'M_FORBIDDEN' });
    const pdu = await say('spam');
    await take(pdu);
    expect(await row(pdu)).toMatchObject({
      status: EVENT_STATUS.softFailed,
      problem: 'the policy server hs2 does not recommend it',
    });
    expect(network.asked).toHaveLength(1);
    const policy = { type: 'm.room.policy', state_key: '', sender: EVE, content: {} };
    expect((await remote.send(roomId, '12', policy)).outcome).toBe('rejected');
  });

  it('are not all asked about when it does not answer, and the room goes on', async () => {
    const release = Promise.withResolvers<undefined>();
    network.verdict = async () => {
      await release.promise;
      return SILENCE;
    };
    const pdus = await Promise.all(Array.from({ length: 40 }, (_, n) => say(`${n}`)));
    const taken = take(...pdus);
    await until(() => Promise.resolve(network.asked.length > 0));
    await service.send({
      roomId,
      sender: ALICE,
      type: 'm.room.policy',
      stateKey: '',
      content: network.content,
    });
    const signed = await signEvent(await say('signed'), RULES, HS2, network.key);
    expect((await remote.accept(roomId, signed))[0]?.outcome).toBe('accepted');
    release.resolve(undefined);
    await taken;
    for (const pdu of pdus) expect((await row(pdu))?.status).toBe(EVENT_STATUS.softFailed);
    expect(network.asked.length).toBeLessThan(40);
  });

  it('are as free as ever once nobody of the policy server is left', async () => {
    const leave = await signEvent(
      await remote.event(roomId, '12', memberEvent(EVE, 'leave')),
      RULES,
      HS2,
      network.key,
    );
    expect((await remote.accept(roomId, leave))[0]?.outcome).toBe('accepted');
    const join = await remote.event(roomId, '12', memberEvent(FAY, 'join'));
    expect((await remote.accept(roomId, join))[0]?.outcome).toBe('accepted');
    expect(network.asked).toEqual([]);
  });

  it('that join by this server get the signature in its answer, or are refused', async () => {
    const join = await remote.event(roomId, '12', memberEvent(FAY, 'join'));
    const input = {
      roomId,
      origin: HS2,
      eventId: idOf(join),
      membership: 'join' as const,
      pdu: JSON.stringify(join),
    };
    const context = () =>
      new CommandContext(ReceiveMembership.pattern, 'k', Date.now() + 10_000, partitionOf(roomId, 8), 1, 1);
    const handler = service.module.get(ReceiveMembershipHandler);
    const { pdu } = await handler.handle(input, context());
    expect((JSON.parse(pdu) as Pdu).signatures[HS2]).toHaveProperty([POLICY_KEY_ID]);
    const leave = await remote.event(roomId, '12', memberEvent(FAY, 'leave'));
    network.verdict = () => refused(400, { errcode: 'M_FORBIDDEN' });
    await expect(
      handler.handle(
        { ...input, membership: 'leave', eventId: idOf(leave), pdu: JSON.stringify(leave) },
        context(),
      ),
    ).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });
});
