import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConnectionError, Direction, Preset, type Room } from 'matrix-js-sdk';
import type { MatrixRTCSession } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SdkUser } from './sdk-user.js';

const DELAY_MS = 4_000;

/** One story, told in order: a call as Element Call holds it, without what is said in it. */
let alice: SdkUser;
let bob: SdkUser;
let roomId: string;
beforeAll(async () => {
  const { clientUrl } = sharedCluster();
  [alice, bob] = await Promise.all([
    SdkUser.register(clientUrl, 'alice'),
    SdkUser.register(clientUrl, 'bob'),
  ]);
  const created = await alice.client.createRoom({
    preset: Preset.PublicChat,
    power_level_content_override: { events: { 'org.matrix.msc3401.call.member': 0 } },
  });
  roomId = created.room_id;
  await bob.client.joinRoom(roomId);
  for (const user of [alice, bob])
    await user.eventually('both', () => user.room(roomId)?.getJoinedMemberCount() === 2);
});
afterAll(() => {
  for (const user of [alice, bob]) user.stop();
});

const sessionOf = (user: SdkUser): MatrixRTCSession =>
  user.client.matrixRTC.getRoomSession(user.room(roomId) as Room);

function joinCall(user: SdkUser): void {
  const { userId, client } = user;
  const deviceId = client.getDeviceId() ?? '';
  const transport = { type: 'livekit', livekit_service_url: 'https://rtc.test', livekit_alias: roomId };
  sessionOf(user).joinRTCSession(
    { userId, deviceId, memberId: `${userId}:${deviceId}` },
    [transport],
    undefined,
    {
      delayedLeaveEventDelayMs: DELAY_MS,
      delayedLeaveEventRestartMs: 1_000,
    },
  );
}

/** Who is in the call, as the state of the room says that `user` has. */
const inCall = (user: SdkUser) =>
  (
    user
      .room(roomId)
      ?.getLiveTimeline()
      .getState(Direction.Forward)
      ?.getStateEvents('org.matrix.msc3401.call.member') ?? []
  )
    .filter((event) => Object.keys(event.getContent()).length > 0)
    .map((event) => event.getSender())
    .toSorted();
const sees = (user: SdkUser, ...others: SdkUser[]) => {
  const expected = others.map(({ userId }) => userId).toSorted();
  return user.eventually(
    `${String(others.length)} in the call`,
    () => JSON.stringify(inCall(user)) === JSON.stringify(expected),
    30_000,
  );
};

test('both are in the call, and stay there for longer than the delay of their leaves', async () => {
  joinCall(alice);
  joinCall(bob);
  await Promise.all([sees(alice, alice, bob), sees(bob, alice, bob)]);
  const until = Date.now() + 2 * DELAY_MS;
  while (Date.now() < until) {
    await bob.client.sendTyping(roomId, true, 1_000);
    expect(inCall(alice)).toHaveLength(2);
  }
});

test('who loses the network leaves the call for the others, and comes back with the network', async () => {
  const restart = bob.client._unstable_restartScheduledDelayedEvent.bind(bob.client);
  const send = bob.client.sendStateEvent.bind(bob.client);
  const gone = () => Promise.reject(new ConnectionError('no network'));
  bob.client._unstable_restartScheduledDelayedEvent = gone;
  bob.client.sendStateEvent = gone;
  await sees(alice, alice);
  bob.client._unstable_restartScheduledDelayedEvent = restart;
  bob.client.sendStateEvent = send;
  await sees(alice, alice, bob);
  expect(sessionOf(bob).isJoined()).toBe(true);
}, 90_000);

test('who leaves is gone at once', async () => {
  expect(await sessionOf(alice).leaveRoomSession(10_000)).toBe(true);
  await sees(bob, bob);
  await sessionOf(bob).leaveRoomSession(10_000);
  await sees(alice);
});
