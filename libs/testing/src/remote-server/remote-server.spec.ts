import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pdu, ServerName } from '@atoll/matrix';
import { authorizeEvent, stateKey, supportedRoomVersions, verifyEventSignatures } from '@atoll/room-rules';
import { exchange } from './exchange.js';
import { makeMembership, PeerRefused } from './remote-memberships.js';
import { pdusIn, RemoteServer } from './remote-server.js';
import type { RemoteRoom } from './remote-room.js';

let here: RemoteServer;
let there: RemoteServer;
beforeAll(async () => {
  [here, there] = [await RemoteServer.start(), await RemoteServer.start()];
});
afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
});

/** The first auth rule that an event of a room breaks by the state before it. */
const problemOf = (room: RemoteRoom, eventId: string) => {
  const event = [...room.events.values()].find((one) => one.eventId === eventId);
  if (event === undefined) return 'unknown';
  const before = room.stateBefore(event.eventId);
  const lookUp = (type: string, key: string) =>
    room.events.get(before.get(stateKey(type, key)) ?? event.eventId);
  return authorizeEvent(event, lookUp, room.rules);
};

describe.each(supportedRoomVersions)('in room version $version', ({ version }) => {
  test('one server joins a room of the other and talks there', async () => {
    const [alice, bob] = [there.user('alice'), here.user('bob')];
    const theirs = await there.createRoom({ creator: alice, version });
    await theirs.say(alice, 'before');
    const ours = await here.join(there, theirs.roomId, bob);
    expect(new Map(ours.state)).toEqual(new Map(theirs.state));
    expect(ours.heads).toEqual(theirs.heads);

    const { eventId, pdu } = await ours.say(bob, 'hello');
    const answer = await here.transaction(there, { pdus: [pdu] });
    expect(answer).toMatchObject({ status: 200, body: { pdus: { [eventId]: {} } } });
    expect(theirs.heads).toEqual([eventId]);
    expect([...theirs.events.keys()].map((id) => problemOf(theirs, id))).toEqual(
      [...theirs.events].map(() => undefined),
    );
    const keys: Record<string, string> = { [here.serverName]: here.key.publicKey };
    const keyFor = (server: ServerName) => ({ publicKey: keys[server] ?? '' });
    expect(await verifyEventSignatures(pdu, theirs.rules, keyFor)).toBeUndefined();
  });
});

describe('requests', () => {
  const path = '/_matrix/federation/v1/version?a=b%20c';
  test.each([
    ['signed', {}, 'valid'],
    ['with floats', { text: '{"n":1.0,"m":1e3}' }, 'valid'],
    ['unsigned', { unsigned: true }, 'absent'],
    ['for another', { destination: 'other.example' }, 'invalid'],
    ['from another', { origin: 'localhost:1' }, 'invalid'],
  ])('%s', async (_, options, signature) => {
    there.received.length = 0;
    await here.send(there, 'GET', path, undefined, options);
    expect(there.received).toMatchObject([{ method: 'GET', path: path.split('?')[0], signature }]);
    expect(there.received[0]?.query.get('a')).toBe('b c');
  });

  test('are waited for', async () => {
    const waiting = there.until('transaction', (request) => request.path.endsWith('/send/wait'));
    await here.transaction(
      there,
      { pdus: ['{"odd": 1.0}'], edus: [{ edu_type: 'm.x', content: {} }] },
      'wait',
    );
    const request = await waiting;
    expect(request.parameters).toEqual({ txnId: 'wait' });
    expect(JSON.stringify(pdusIn(request))).toBe('[{"odd":1.0}]');
    await expect(there.until('nothing', () => false, 10)).rejects.toThrow('got no nothing in 10 ms');
  });

  test('are refused where nobody answers', async () => {
    expect((await here.send(there, 'GET', '/_matrix/federation/v1/nothing')).status).toBe(404);
    const joining = here.join(there, '!unknown:x', here.user('bob'));
    await expect(joining).rejects.toThrow(PeerRefused);
  });
});

describe('rooms', () => {
  test('answer for their history, state and authority', async () => {
    const alice = there.user('alice');
    const room = await there.createRoom({ creator: alice });
    const [first, second, third] = [
      await room.say(alice, '1'),
      await room.say(alice, '2'),
      await room.say(alice, '3'),
    ];
    const id = encodeURIComponent(room.roomId);
    const ask = async (method: string, path: string, body?: unknown) =>
      (await here.send(there, method, `/_matrix/federation/v1/${path}`, body)).body;
    expect(await ask('GET', `event/${encodeURIComponent(second.eventId)}`)).toMatchObject({
      pdus: [second.pdu],
    });
    const from = encodeURIComponent(third.eventId);
    expect(await ask('GET', `backfill/${id}?v=${from}&limit=2`)).toMatchObject({
      pdus: [third.pdu, second.pdu],
    });
    const missing = { latest_events: [third.eventId], earliest_events: [first.eventId] };
    expect(await ask('POST', `get_missing_events/${id}`, missing)).toEqual({ events: [second.pdu] });
    const ids = await ask('GET', `state_ids/${id}?event_id=${from}`);
    expect(ids['pdu_ids']).toHaveLength(4);
    expect((await ask('GET', `state/${id}?event_id=${from}`))['pdus']).toHaveLength(4);
    expect((await ask('GET', `event_auth/${id}/${from}`))['auth_chain']).toHaveLength(3);
  });

  test('resolve forks', async () => {
    const alice = there.user('alice');
    const room = await there.createRoom({ creator: alice });
    const prev = room.heads;
    const ban = { membership: 'ban' };
    const banned = await room.setState(alice, 'm.room.member', ban, here.user('eve'), { prev });
    const topic = await room.setState(alice, 'm.room.topic', { topic: 'x' }, '', { prev });
    expect(room.heads).toEqual([banned.eventId, topic.eventId]);
    expect(room.current('m.room.topic')).toBe(topic);
    expect(room.current('m.room.member', here.user('eve'))).toBe(banned);
    const merged = await room.say(alice, 'both');
    expect(merged.pdu.prev_events).toEqual([banned.eventId, topic.eventId]);
  });

  test('take invites, refusals and knocks', async () => {
    const [alice, bob] = [there.user('alice'), here.user('bob')];
    const room = await there.createRoom({ creator: alice, joinRule: 'knock' });
    const invited = await there.invite(here, room, alice, bob);
    expect(invited.status).toBe(200);
    expect(Object.keys(invited.event.pdu.signatures)).toEqual([there.serverName, here.serverName]);
    expect(here.invites).toMatchObject([{ roomId: room.roomId, event: invited.event.pdu }]);
    await here.leave(there, room.roomId, bob);
    expect(room.current('m.room.member', bob)?.pdu.content).toEqual({ membership: 'leave' });
    const stripped = await here.knock(there, room.roomId, bob, 'please');
    expect(stripped).toHaveLength(2);
    expect(room.current('m.room.member', bob)?.pdu.content).toEqual({
      membership: 'knock',
      reason: 'please',
    });
  });

  test('let users of the host vouch for joins of restricted rooms', async () => {
    const [alice, bob] = [there.user('alice'), here.user('bob')];
    const joinRule = { join_rule: 'restricted', allow: [] };
    const room = await there.createRoom({ creator: alice, joinRule });
    const joined = await here.join(there, room.roomId, bob);
    const { pdu } = joined.current('m.room.member', bob) ?? {};
    expect(pdu?.content['join_authorised_via_users_server']).toBe(alice);
    expect(Object.keys(pdu?.signatures ?? {})).toEqual([here.serverName, there.serverName]);
  });

  test('leave members out for who agrees to it', async () => {
    const [alice, bob] = [there.user('alice'), here.user('bob')];
    const room = await there.createRoom({ creator: alice, members: [there.user('carol')] });
    room.omitsMembers = true;
    const { event } = await makeMembership(here, there, 'join', room.roomId, bob);
    const path = `/_matrix/federation/v2/send_join/${encodeURIComponent(room.roomId)}/x?omit_members=true`;
    const { body } = await here.send(there, 'PUT', path, event.pdu);
    expect(body).toMatchObject({ members_omitted: true, servers_in_room: [there.serverName] });
    expect((body['state'] as unknown as Pdu[]).map(({ type }) => type)).not.toContain('m.room.member');
  });

  test('build what is wrong as told', async () => {
    const alice = there.user('alice');
    const room = await there.createRoom({ creator: alice });
    const draft = { type: 'm.x', sender: here.user('bob'), content: { n: 1.5 } };
    const unsigned = await room.build(
      { ...draft, depth: 7, hashes: { sha256: 'wrong' } },
      { signers: [], auth: [] },
    );
    expect(unsigned.pdu).toMatchObject({
      depth: 7,
      hashes: { sha256: 'wrong' },
      signatures: {},
      auth_events: [],
    });
    const foreign = await room.build(draft, { signers: [{ serverName: 'other.example', key: here.key }] });
    expect(Object.keys(foreign.pdu.signatures)).toEqual(['other.example']);
    expect(room.events.has(foreign.eventId)).toBe(false);
  });
});

test('keys are published, signed by their owner', async () => {
  const { status, text } = await exchange(`https://${here.serverName}/_matrix/key/v2/server`, {
    method: 'GET',
  });
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ verify_keys: { [here.key.keyId]: { key: here.key.publicKey } } });
});
