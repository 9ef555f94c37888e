import type { MembershipAction } from '@atoll/contract';
import { RoomReader } from '@atoll/database';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EVE, RemoteServer } from '../remote-server.spec-support.js';
import { until } from '../resident-server.spec-support.js';
import { MemberDeparture } from '../room-jobs/member-departure.js';
import { ALICE, BOB, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { GuestDepartures } from './guest-departures.js';

const GUEST = '@guest:hs1' as UserId;
const OTHER_GUEST = '@guest2:hs1' as UserId;
const NOT_FOR_GUESTS = { status: 403, errcode: 'M_GUEST_ACCESS_FORBIDDEN' };
const VERSION = '12';

let service: TestRoomState;
let departures: GuestDepartures;

beforeAll(async () => {
  service = await startTestRoomState();
  for (const guest of [GUEST, OTHER_GUEST]) await service.guest(guest);
  departures = service.module.get(GuestDepartures);
});
afterAll(async () => {
  await departures.stop();
  await service.stop();
});

const change = (roomId: RoomId, sender: UserId, action: MembershipAction, target = sender, content = {}) =>
  service.membership({ roomId, sender, target, action, content });
const setAccess = (roomId: RoomId, guest_access: string) =>
  service.send({
    roomId,
    sender: ALICE,
    type: 'm.room.guest_access',
    stateKey: '',
    content: { guest_access },
  });
const membership = async (roomId: RoomId, user: UserId) => {
  const reader = new RoomReader(service.database);
  return (await reader.membershipOf(user, (await reader.byId(roomId))?.roomNid ?? 0))?.membership;
};
/** Open to everybody; by its preset there is no such event, and guests may not join. */
const publicRoom = () => service.createRoom({ preset: 'public_chat' });

describe('a guest', () => {
  it('joins where guests may, and is a member like others', async () => {
    const roomId = await publicRoom();
    await setAccess(roomId, 'can_join');
    await change(roomId, GUEST, 'join');
    await service.message(roomId, GUEST, 'hello');
    await change(roomId, GUEST, 'join', GUEST, { displayname: 'Guest' });
    await change(roomId, GUEST, 'leave');
    await change(roomId, GUEST, 'join');
    expect(await membership(roomId, GUEST)).toBe('join');
  });

  it.each<[string, string | undefined]>([
    ['has no such event', undefined],
    ['forbids it', 'forbidden'],
    ['says something else', 'perhaps'],
  ])('does not join a room that %s, invited or not, in any way', async (_, access) => {
    const roomId = await publicRoom();
    if (access !== undefined) await setAccess(roomId, access);
    await expect(change(roomId, GUEST, 'join')).rejects.toMatchObject(NOT_FOR_GUESTS);
    await change(roomId, ALICE, 'invite', GUEST);
    await expect(change(roomId, GUEST, 'join')).rejects.toMatchObject(NOT_FOR_GUESTS);
    const written = { type: 'm.room.member', stateKey: GUEST, content: { membership: 'join' } };
    await expect(service.send({ roomId, sender: GUEST, ...written })).rejects.toMatchObject(NOT_FOR_GUESTS);
    await expect(change(roomId, BOB, 'join')).resolves.toMatchObject({ eventId: expect.any(String) });
    await change(roomId, GUEST, 'leave');
  });

  it('does not join by an event that was redacted', async () => {
    const roomId = await publicRoom();
    const { eventId: redacts } = await setAccess(roomId, 'can_join');
    await service.send({ roomId, sender: ALICE, type: 'm.room.redaction', content: {}, redacts });
    await expect(change(roomId, GUEST, 'join')).rejects.toMatchObject(NOT_FOR_GUESTS);
  });
});

describe('a room that no longer lets guests in', () => {
  let roomId: RoomId;
  let access: Awaited<ReturnType<typeof setAccess>>;
  beforeEach(async () => {
    roomId = await publicRoom();
    access = await setAccess(roomId, 'can_join');
    for (const user of [GUEST, OTHER_GUEST, BOB]) await change(roomId, user, 'join');
  });
  const haveGone = () =>
    until(async () => {
      const memberships = await Promise.all([GUEST, OTHER_GUEST].map((guest) => membership(roomId, guest)));
      return memberships.every((one) => one === 'leave');
    });
  const onlyGuestsHaveGone = async () => {
    await haveGone();
    expect(await Promise.all([ALICE, BOB].map((user) => membership(roomId, user)))).toEqual(['join', 'join']);
  };

  it('is left by them at the next sweep, if no process took care of it at once', async () => {
    const fine = await publicRoom();
    await setAccess(fine, 'can_join');
    await change(fine, GUEST, 'join');
    // It has not begun.
    await setAccess(roomId, 'forbidden');
    expect(await membership(roomId, GUEST)).toBe('join');
    departures.start(service.module.get(MemberDeparture));
    await departures.sweep();
    await onlyGuestsHaveGone();
    expect(await membership(fine, GUEST)).toBe('join');
  });

  it('is left by them all, however many they are', async () => {
    const crowd = Array.from({ length: 45 }, (_, n) => `@crowd${n}:hs1` as UserId);
    for (const guest of crowd) {
      await service.guest(guest);
      await change(roomId, guest, 'join');
    }
    await setAccess(roomId, 'forbidden');
    await onlyGuestsHaveGone();
    await until(async () => {
      const memberships = await Promise.all(crowd.map((guest) => membership(roomId, guest)));
      return memberships.every((one) => one === 'leave');
    });
  });

  it('is left by them when a user of this server says so', async () => {
    await setAccess(roomId, 'forbidden');
    await onlyGuestsHaveGone();
  });

  it('is left by them when somebody redacts the permission', async () => {
    const redacts = access.eventId;
    await service.send({ roomId, sender: ALICE, type: 'm.room.redaction', content: {}, redacts });
    await onlyGuestsHaveGone();
  });

  it('is left by them when a user of another server says so', async () => {
    const remote = new RemoteServer(service);
    await remote.publishKey();
    await remote.send(roomId, VERSION, {
      ...{ type: 'm.room.member', state_key: EVE, content: { membership: 'join' } },
    });
    const levels = { users: { [EVE]: 100 } };
    await service.send({ roomId, sender: ALICE, type: 'm.room.power_levels', stateKey: '', content: levels });
    const { outcome } = await remote.send(roomId, VERSION, {
      ...{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'forbidden' } },
    });
    expect(outcome).toBe('accepted');
    await onlyGuestsHaveGone();
  });
});
