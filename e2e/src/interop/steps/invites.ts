import { bothSeeJoined } from '../scene.js';
import { isIn, sameState, seesMembership, speaks } from '../expectations.js';
import type { Step } from '../step.js';

const privateRoom = { preset: 'private_chat' };

const accept: Step = {
  name: 'invite-accept',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, privateRoom);
    await alice.user.invite(roomId, bob.userId);
    const { stripped } = await bob.sees(roomId, 'the invite', ({ membership }) => membership === 'invite');
    const types = stripped.map(({ type }) => type);
    for (const type of ['m.room.create', 'm.room.join_rules', 'm.room.name', 'm.room.member']) {
      if (!types.includes(type))
        throw new Error(`the invite's stripped state has no ${type}: ${types.join(' ')}`);
    }
    await bob.user.join(roomId);
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await sameState(roomId, alice, bob);
  },
};

const reject: Step = {
  name: 'invite-reject',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, privateRoom);
    for (let round = 0; round < 2; round += 1) {
      await alice.user.invite(roomId, bob.userId);
      await isIn(roomId, bob, 'invite');
      await bob.user.leave(roomId);
      await isIn(roomId, bob, 'leave');
      await seesMembership(roomId, alice, bob, 'leave');
    }
  },
};

const rescind: Step = {
  name: 'invite-withdrawn',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, privateRoom);
    await alice.user.invite(roomId, bob.userId);
    await isIn(roomId, bob, 'invite');
    await alice.user.kick(roomId, bob.userId);
    await isIn(roomId, bob, 'leave');
  },
};

const byGuest: Step = {
  name: 'invite-by-guest',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const [carol, dave] = [await scene.newHost('carol'), await scene.newGuest('dave')];
    const roomId = await scene.createRoom(alice, { ...privateRoom, invite: [bob.userId] });
    await isIn(roomId, bob, 'invite');
    await bob.user.join(roomId);
    await bothSeeJoined(roomId, alice, bob);
    await bob.user.invite(roomId, carol.userId);
    await isIn(roomId, carol, 'invite');
    await carol.user.join(roomId);
    await seesMembership(roomId, bob, carol, 'join');
    await bob.user.invite(roomId, dave.userId);
    await isIn(roomId, dave, 'invite');
    await dave.user.join(roomId);
    await seesMembership(roomId, alice, dave, 'join');
    await speaks(roomId, dave, carol);
    await sameState(roomId, alice, dave);
  },
};

export const inviteSteps: readonly Step[] = [accept, reject, rescind, byGuest];
