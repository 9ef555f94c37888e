import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, type TestUser } from '@atoll/testing';
import { newUsers, outcome } from '../users.js';

let alice: TestUser;
let outsider: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, outsider] = (await newUsers('alice', 'outsider')) as [TestUser, TestUser];
  roomId = await alice.createRoom({ preset: 'public_chat' });
});

const report = async (who: TestUser, target: string, body: object) =>
  outcome(await who.request('POST', target, body));

describe('reports', () => {
  test('of events are taken from who is in the room', async () => {
    const eventId = await alice.send(roomId, 'said');
    const target = path`/v3/rooms/${roomId}/report/${eventId}`;
    expect(await report(alice, target, { reason: 'rude' })).toBe('200');
    expect(await report(outsider, target, { reason: 'rude' })).toBe('404 M_NOT_FOUND');
  });

  test.each(['/v3', '/unstable/org.matrix.msc4151'])(
    'of rooms are taken from everybody at %s',
    async (prefix) => {
      const targetOf = (room: string) => prefix + path`/rooms/${room}/report`;
      expect(await report(outsider, targetOf(roomId), { reason: 'spam' })).toBe('200');
      expect(await report(outsider, targetOf('!unknown:elsewhere'), { reason: 'spam' })).toBe(
        '404 M_NOT_FOUND',
      );
    },
  );

  test.each(['/v3', '/unstable/org.matrix.msc4260'])('of users want a reason at %s', async (prefix) => {
    const target = prefix + path`/users/${alice.userId}/report`;
    expect(await report(outsider, target, { reason: 'spam' })).toBe('200');
    expect(await report(outsider, target, {})).toBe('400 M_BAD_JSON');
  });
});
