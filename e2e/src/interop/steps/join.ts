import { path } from '@atoll/testing';
import { expectEqual, sameState, seesMembership, speaks } from '../expectations.js';
import { bothSeeJoined } from '../scene.js';
import type { Step } from '../step.js';

const joinById: Step = {
  name: 'join-by-id',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await speaks(roomId, alice, bob);
    await speaks(roomId, bob, alice);
    await sameState(roomId, alice, bob);
  },
};

const joinByAlias: Step = {
  name: 'join-by-alias',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const name = `room-${Date.now()}`;
    const roomId = await scene.createRoom(alice, { room_alias_name: name });
    expectEqual('the joined room', await bob.user.join(`#${name}:${scene.host.serverName}`), roomId);
    await bothSeeJoined(roomId, alice, bob);
    for (const { user } of [alice, bob]) {
      const { joined = {} } = await user.expect('GET', path`/v3/rooms/${roomId}/joined_members`);
      expectEqual('joined_members', Object.keys(joined).sort(), [alice.userId, bob.userId].sort());
    }
    await speaks(roomId, bob, alice);
    await speaks(roomId, alice, bob);
  },
};

const secondJoin: Step = {
  name: 'second-member',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    const carol = await scene.newGuest('carol');
    await scene.join(carol, roomId);
    await bothSeeJoined(roomId, bob, carol);
    await seesMembership(roomId, alice, carol, 'join');
    await speaks(roomId, carol, alice);
    await speaks(roomId, alice, carol);
    await sameState(roomId, alice, carol);
  },
};

const largeRoom: Step = {
  name: 'join-large-room',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice);
    for (let number = 0; number < 60; number += 1) {
      await alice.user.setState(roomId, 'org.example.piece', { number }, `piece ${number % 40}`);
    }
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await sameState(roomId, alice, bob);
    await speaks(roomId, bob, alice);
  },
};

export const joinSteps: readonly Step[] = [joinById, joinByAlias, secondJoin, largeRoom];
