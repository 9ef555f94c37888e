import { expectEqual, isIn, sameState, seesMembership, sendMany, speaks } from '../expectations.js';
import { bothSeeJoined } from '../scene.js';
import type { Step } from '../step.js';
import { texts } from '../../users.js';
import { everyPage } from './pages.js';

const guestLeaves: Step = {
  name: 'leave-and-return',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await bob.user.leave(roomId);
    await isIn(roomId, bob, 'leave');
    await seesMembership(roomId, alice, bob, 'leave');
    const missed = await sendMany(roomId, alice, 3);
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await sameState(roomId, alice, bob);
    const pages = await everyPage(roomId, bob, 'b');
    const history = texts(pages.flatMap(({ chunk }) => chunk).reverse());
    expectEqual(
      'what was missed',
      history.filter((text) => missed.includes(text)),
      missed,
    );
  },
};

const hostLeaves: Step = {
  name: 'host-leaves-and-returns',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await alice.user.leave(roomId);
    await isIn(roomId, alice, 'leave');
    await seesMembership(roomId, bob, alice, 'leave');
    const { guest } = scene;
    await alice.user.expect('POST', `/v3/join/${encodeURIComponent(roomId)}?via=${guest.serverName}`, {});
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await speaks(roomId, alice, bob);
    await sameState(roomId, alice, bob);
  },
};

export const leavingSteps: readonly Step[] = [guestLeaves, hostLeaves];
