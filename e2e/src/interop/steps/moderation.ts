import { expectRefusal, isIn, sameState, seesMembership, speaks } from '../expectations.js';
import { bothSeeJoined } from '../scene.js';
import { path, query } from '@atoll/testing';
import type { Step } from '../step.js';
import { powerOf } from './power.js';

const kick: Step = {
  name: 'kick',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await alice.user.kick(roomId, bob.userId);
    await isIn(roomId, bob, 'leave');
    await seesMembership(roomId, alice, bob, 'leave');
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await speaks(roomId, alice, bob);
  },
};

const ban: Step = {
  name: 'ban-unban-reinvite',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await alice.user.ban(roomId, bob.userId);
    await seesMembership(roomId, bob, bob, 'ban');
    const { serverName } = scene.host;
    const target = path`/v3/join/${roomId}` + query({ via: serverName, server_name: serverName });
    expectRefusal('the join of the banned', await bob.user.request('POST', target, {}), 'M_FORBIDDEN');
    await alice.user.unban(roomId, bob.userId);
    await seesMembership(roomId, alice, bob, 'leave');
    await alice.user.invite(roomId, bob.userId);
    await isIn(roomId, bob, 'invite');
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await sameState(roomId, alice, bob);
  },
};

const byGuest: Step = {
  name: 'moderation-by-guest',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    const carol = await scene.newHost('carol');
    await scene.join(carol, roomId);
    await seesMembership(roomId, bob, carol, 'join');
    await powerOf(roomId, alice, bob, 50);
    await bob.user.kick(roomId, carol.userId);
    await isIn(roomId, carol, 'leave');
    await seesMembership(roomId, alice, carol, 'leave');
    await seesMembership(roomId, bob, carol, 'leave');
    await scene.join(carol, roomId);
    await seesMembership(roomId, bob, carol, 'join');
    await bob.user.ban(roomId, carol.userId);
    await seesMembership(roomId, alice, carol, 'ban');
    await bob.user.unban(roomId, carol.userId);
    await seesMembership(roomId, alice, carol, 'leave');
    await sameState(roomId, alice, bob);
  },
};

export const moderationSteps: readonly Step[] = [kick, ban, byGuest];
