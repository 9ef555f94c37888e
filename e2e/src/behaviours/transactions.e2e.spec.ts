import { beforeAll, describe, expect, test } from '@jest/globals';
import { TestUser, login, path, type ClientEvent } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers } from '../users.js';

const { clientUrl, clientApis } = sharedCluster();

let alice: TestUser;
let bob: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
});

describe('the same transaction id (behaviour 9)', () => {
  test('gives the same event, whatever the content, and another one in another room', async () => {
    const first = await alice.send(roomId, 'one', 'txn-1');
    expect(await alice.send(roomId, 'two', 'txn-1')).toBe(first);
    const elsewhere = await alice.createRoom();
    expect(await alice.send(elsewhere, 'one', 'txn-1')).not.toBe(first);
    expect(await alice.sendEvent(roomId, 'm.other', {}, 'txn-1')).not.toBe(first);
    expect(await bob.send(roomId, 'one', 'txn-1')).not.toBe(first);
  });

  test('survives a token refresh and a new login of the device', async () => {
    const device = await login(clientUrl, alice.userId, { refresh_token: true });
    const first = await device.send(roomId, 'one', 'txn-2');
    const body = { refresh_token: device.session.refreshToken };
    const refreshed = await device.http.send('POST', '/_matrix/client/v3/refresh', { body });
    const accessToken = refreshed.body.access_token ?? '';
    const rotated = new TestUser(clientUrl, { ...device.session, accessToken });
    expect(await rotated.send(roomId, 'one', 'txn-2')).toBe(first);
    const again = await login(clientUrl, alice.userId, { device_id: device.session.deviceId });
    expect(await again.send(roomId, 'one', 'txn-2')).toBe(first);
    const other = await login(clientUrl, alice.userId);
    expect(await other.send(roomId, 'one', 'txn-2')).not.toBe(first);
  });

  test('of a redaction gives the same redaction', async () => {
    const target = await alice.send(roomId, 'redact me');
    const redaction = path`/v3/rooms/${roomId}/redact/${target}/txn-3`;
    const first = await alice.expect('PUT', redaction, {});
    expect((await alice.expect('PUT', redaction, {})).event_id).toBe(first.event_id);
  });

  test('sent through two instances at once gives one event', async () => {
    const devices = clientApis.map((url) => alice.through(url));
    for (let round = 0; round < 10; round += 1) {
      const text = `round ${round}`;
      const sends = devices.map((device) => device.send(roomId, text, `race-${round}`));
      const eventIds = await Promise.all([...sends, ...sends]);
      expect(new Set(eventIds).size).toBe(1);
    }
    const rounds = (await alice.history(roomId)).filter((event) =>
      String(event.content['body']).startsWith('round '),
    );
    expect(rounds).toHaveLength(10);
  });
});

test('unsigned.transaction_id is for the sending device only (behaviour 10)', async () => {
  const otherDevice = await login(clientUrl, alice.userId);
  const followers = await Promise.all([alice.follow(), otherDevice.follow(), bob.follow()]);
  const eventId = await alice.send(roomId, 'mine', 'txn-10');
  const seen = await Promise.all(followers.map((follower) => follower.untilEvent(roomId, eventId)));
  expect(seen.map((event) => event.unsigned?.transaction_id)).toEqual(['txn-10', undefined, undefined]);
  const read = (user: TestUser) => user.expect('GET', path`/v3/rooms/${roomId}/event/${eventId}`);
  const events = (await Promise.all([read(alice), read(otherDevice), read(bob)])) as unknown as ClientEvent[];
  expect(events.map((event) => event.unsigned?.transaction_id)).toEqual(['txn-10', undefined, undefined]);
});

describe('what changes nothing (behaviour 11)', () => {
  test('identical state answers the event that holds it', async () => {
    const first = await alice.setState(roomId, 'm.room.topic', { topic: 'same' });
    expect(await alice.setState(roomId, 'm.room.topic', { topic: 'same' })).toBe(first);
    expect(await alice.setState(roomId, 'm.room.topic', { topic: 'other' })).not.toBe(first);
  });

  test('joining twice makes one join, and custom content of a join is stored', async () => {
    const [carol] = (await newUsers('carol')) as [TestUser];
    await carol.expect('PUT', path`/v3/rooms/${roomId}/state/m.room.member/${carol.userId}`, {
      membership: 'join',
      'org.test.custom': 'kept',
    });
    await carol.join(roomId);
    expect(await carol.state(roomId, 'm.room.member', carol.userId)).toMatchObject({
      'org.test.custom': 'kept',
    });
    const joins = (await carol.history(roomId)).filter((event) => event.state_key === carol.userId);
    expect(joins).toHaveLength(1);
  });

  test.each(['/v3/join/ROOM', '/v3/rooms/ROOM/join'])('%s stores custom content', async (target) => {
    const [dave] = (await newUsers('dave')) as [TestUser];
    const content = { reason: 'curious', 'org.test.custom': ['kept'] };
    await dave.expect('POST', target.replace('ROOM', encodeURIComponent(roomId)), content);
    const member = await dave.state(roomId, 'm.room.member', dave.userId);
    expect(member).toMatchObject({ ...content, membership: 'join' });
  });
});
