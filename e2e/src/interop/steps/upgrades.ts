import { path } from '@atoll/testing';
import { sameState, speaks } from '../expectations.js';
import type { Person } from '../person.js';
import { bothSeeJoined, type Scene } from '../scene.js';
import type { Step } from '../step.js';

/** Upgrades a room of both, and talks on in the new one. */
async function upgradeAndFollow(scene: Scene, roomId: string, upgrader: Person, follower: Person) {
  const target = path`/v3/rooms/${roomId}/upgrade`;
  const body = await upgrader.user.expect('POST', target, { new_version: scene.roomVersion });
  const replacement = String(body['replacement_room']);
  const { state } = await follower.sees(roomId, 'the tombstone', ({ state: seen }) =>
    seen.has('m.room.tombstone '),
  );
  const shown = state.get('m.room.tombstone ')?.content['replacement_room'];
  if (shown !== replacement) throw new Error(`the tombstone shows ${String(shown)}, not ${replacement}`);
  const via = upgrader.userId.slice(upgrader.userId.indexOf(':') + 1);
  await follower.user.expect('POST', path`/v3/join/${replacement}` + `?via=${via}&server_name=${via}`, {});
  await bothSeeJoined(replacement, upgrader, follower);
  await speaks(replacement, upgrader, follower);
  await speaks(replacement, follower, upgrader);
  await sameState(replacement, upgrader, follower);
}

const byCreator: Step = {
  name: 'upgrade-by-the-creator',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await upgradeAndFollow(scene, roomId, alice, bob);
  },
};

const byGuest: Step = {
  name: 'upgrade-by-the-other-server',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    const levels = await alice.user.state(roomId, 'm.room.power_levels');
    const users = { ...(levels['users'] as object), [bob.userId]: 150 };
    // Who has created a room of version 12 stands above all levels; before, nobody gives more than they have.
    const isPrivileged = Number(scene.roomVersion) >= 12;
    const raised = isPrivileged ? users : { ...users, [bob.userId]: 100 };
    const eventId = await alice.user.setState(roomId, 'm.room.power_levels', { ...levels, users: raised });
    await bob.sees(
      roomId,
      'the power',
      ({ state }) => state.get('m.room.power_levels ')?.event_id === eventId,
    );
    await upgradeAndFollow(scene, roomId, bob, alice);
  },
};

export const upgradeSteps: readonly Step[] = [byCreator, byGuest];
