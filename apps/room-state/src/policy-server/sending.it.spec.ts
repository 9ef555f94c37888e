import { EVENT_STATUS, EventReader } from '@atoll/database';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomId, ServerName, UserId } from '@atoll/matrix';
import { POLICY_KEY_ID, type RoomVersionRules, rulesOf, signEvent } from '@atoll/room-rules';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, HS2, RemoteServer } from '../remote-server.spec-support.js';
import { RoomModel } from '../room-model.spec-support.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { answered, PolicyNetwork, refused, SILENCE } from './policy-server.spec-support.js';

const RULES = rulesOf('12') as RoomVersionRules;
const HS3 = 'hs3' as ServerName;
const GUS = '@gus:hs3' as UserId;

describe('sending into a room with a policy server', () => {
  const network = new PolicyNetwork(RULES);
  let service: TestRoomState;
  let remote: RemoteServer;
  let roomId: RoomId;

  beforeAll(async () => {
    service = await startTestRoomState({ federation: network });
    remote = new RemoteServer(service);
    await remote.publishKey();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    roomId = await service.createRoom({ preset: 'public_chat' });
    await service.membership({ roomId, sender: BOB, target: BOB, action: 'join' });
    await remote.send(roomId, '12', {
      type: 'm.room.member',
      state_key: EVE,
      content: { membership: 'join' },
    });
    network.reset();
    await setPolicy(network.content);
  });

  const setPolicy = (content: Parameters<TestRoomState['send']>[0]['content']) =>
    service.send({ roomId, sender: ALICE, type: 'm.room.policy', stateKey: '', content });
  const stored = async (eventId: EventId | null) =>
    (await new EventReader(service.database).byIds(eventId ? [eventId] : [])).get(eventId as EventId);
  const model = () => RoomModel.read(service.database, roomId, RULES);
  const signers = (pdu: Pdu | undefined) =>
    Object.entries(pdu?.signatures ?? {}).map(([server, keys]) => [server, Object.keys(keys)]);

  it('asks for a signature once, and stores the event with it', async () => {
    const { eventId } = await service.message(roomId, ALICE, 'hello');
    const event = await stored(eventId);
    expect(event).toMatchObject({ status: EVENT_STATUS.accepted, position: expect.any(Number) });
    expect(signers(event?.pdu)).toEqual([
      ['hs1', [service.signingKey.keyId]],
      [HS2, [POLICY_KEY_ID]],
    ]);
    expect(network.asked).toMatchObject([{ type: 'm.room.message', content: { body: 'hello' } }]);
    expect(signers(network.asked[0])).toEqual([['hs1', [service.signingKey.keyId]]]);
  });

  it.each([
    [400, { errcode: 'M_FORBIDDEN', error: 'looks like spam', 'org.example.more': { a: 1 } }],
    [404, { errcode: 'M_UNRECOGNIZED', error: 'no policy server' }],
    [429, { errcode: 'M_LIMIT_EXCEEDED', error: 'slow down', retry_after_ms: 7 }],
  ])('gives the client the error %s word for word, and stores nothing', async (status, body) => {
    const before = (await model()).events.size;
    network.verdict = () => refused(status, body);
    const error: unknown = await service.message(roomId, ALICE, 'spam').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status, errcode: body.errcode });
    expect((error as { body(): unknown }).body()).toEqual(body);
    expect((await model()).events.size).toBe(before);
    network.verdict = () => undefined;
    await service.message(roomId, ALICE, 'fine');
  });

  it('takes a wrong signature, silence and the end of a session for the trouble of the policy server', async () => {
    const fails = async (status: number) => {
      await expect(service.message(roomId, ALICE, 'x')).rejects.toMatchObject({
        status,
        errcode: 'M_UNKNOWN',
      });
    };
    network.verdict = () => SILENCE;
    await fails(504);
    network.verdict = () => answered({});
    await fails(502);
    network.verdict = (pdu) => network.signatureOf({ ...pdu, sender: BOB }).then(answered);
    await fails(502);
    network.verdict = () => refused(401, { errcode: 'M_UNKNOWN_TOKEN' });
    await fails(502);
    network.verdict = () => refused(403, { errcode: 'M_UNKNOWN_TOKEN' });
    await fails(502);
  });

  it('lets the room do without it, whatever it says', async () => {
    network.verdict = () => refused(400, { errcode: 'M_FORBIDDEN' });
    await setPolicy({});
    await service.message(roomId, ALICE, 'free');
    await setPolicy({ via: 'hs2', public_keys: {} });
    await service.message(roomId, ALICE, 'still');
    await setPolicy({ ...network.content, via: 'hs3' });
    await service.message(roomId, ALICE, 'nobody of hs3 is here');
    expect(network.asked).toEqual([]);
    await setPolicy(network.content);
    await expect(service.message(roomId, ALICE, 'x')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('asks about every other event: memberships, and policies of other keys', async () => {
    const leave = await service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' });
    expect(signers((await stored(leave.eventId))?.pdu)).toContainEqual([HS2, [POLICY_KEY_ID]]);
    await service.send({ roomId, sender: ALICE, type: 'm.room.policy', stateKey: 'x', content: {} });
    await service.send({ roomId, sender: ALICE, type: 'm.room.policy', content: {} });
    expect(network.asked.map(({ type }) => type)).toEqual([
      'm.room.member',
      'm.room.policy',
      'm.room.policy',
    ]);
    network.verdict = () => refused(400, { errcode: 'M_FORBIDDEN' });
    await expect(
      service.membership({ roomId, sender: BOB, target: BOB, action: 'join' }),
    ).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('answers repeated transactions and commands as before, and asks once', async () => {
    const transaction = { deviceId: 'D', scope: 's', id: 'txn' };
    const input = { roomId, sender: ALICE, type: 'm.room.message', content: { body: 'once' }, transaction };
    const { eventId } = await service.send(input);
    expect(await service.send(input)).toEqual({ eventId });
    expect(await stored(eventId)).toMatchObject({ transaction: { id: 'txn' } });
    const again = await service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' }, 'key');
    expect(await service.membership({ roomId, sender: BOB, target: BOB, action: 'leave' }, 'key')).toEqual(
      again,
    );
    const results = await service.database.db
      .selectFrom('command_results')
      .selectAll()
      .where('idempotency_key', '=', 'key')
      .execute();
    expect(results).toMatchObject([{ result: again }]);
    expect(network.asked).toHaveLength(2);
  });

  it('lets redactions redact', async () => {
    const { eventId } = await service.message(roomId, ALICE, 'regret');
    await service.send({ roomId, sender: ALICE, type: 'm.room.redaction', content: {}, redacts: eventId });
    expect((await stored(eventId))?.redactedBecause).toBeDefined();
  });

  it('never holds the room while it waits, nor lets it fall apart', async () => {
    const release = Promise.withResolvers<undefined>();
    network.verdict = (pdu) => (pdu.content['body'] === 'slow' ? release.promise : undefined);
    const slow = service.message(roomId, ALICE, 'slow');
    while (network.asked.length === 0) await new Promise(setImmediate);
    const others = Array.from({ length: 40 }, (_, n) => service.message(roomId, n % 2 ? ALICE : BOB, `${n}`));
    expect(new Set((await Promise.all(others)).map(({ eventId }) => eventId)).size).toBe(40);
    release.resolve(undefined);
    expect((await stored((await slow).eventId))?.status).toBe(EVENT_STATUS.accepted);
    const all = (await model()).timeline();
    expect((await model()).headsOf(all).length).toBeLessThanOrEqual(8);
  });

  it('gives up on what the room forbids meanwhile', async () => {
    const release = Promise.withResolvers<undefined>();
    network.verdict = (pdu) => (pdu.content['body'] === 'slow' ? release.promise : undefined);
    const slow = service.message(roomId, BOB, 'slow');
    while (network.asked.length === 0) await new Promise(setImmediate);
    await service.membership({ roomId, sender: ALICE, target: BOB, action: 'ban' });
    release.resolve(undefined);
    await expect(slow).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it('shows an invite to the invited user’s server once it is recommended', async () => {
    const key = generateSigningKey();
    await service.database.db
      .insertInto('server_keys')
      .values({
        server_name: HS3,
        key_id: key.keyId,
        public_key: key.publicKey,
        valid_until_ts: Date.now() + 3_600_000,
        expired_ts: null,
        fetched_ts: Date.now(),
      })
      .execute();
    network.others = async (server, _path, content) => {
      const signed = await signEvent(content['event'] as unknown as Pdu, RULES, server, key);
      return answered({ event: signed as JsonObject });
    };
    network.verdict = () => refused(400, { errcode: 'M_FORBIDDEN' });
    const invite = () => service.membership({ roomId, sender: ALICE, target: GUS, action: 'invite' });
    await expect(invite()).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(network.requests).toEqual(['hs2 _matrix/policy/v1/sign']);
    network.verdict = () => undefined;
    const { eventId } = await invite();
    expect(network.requests.slice(1)).toEqual([
      'hs2 _matrix/policy/v1/sign',
      'hs3 _matrix/federation/v2/invite',
    ]);
    expect(signers((await stored(eventId))?.pdu)).toEqual([
      ['hs1', [service.signingKey.keyId]],
      [HS2, [POLICY_KEY_ID]],
      [HS3, [key.keyId]],
    ]);
  });
});
