import { path, query } from '@atoll/testing';
import { expectEqual, expectRefusal, isIn, sameState, seesMembership, speaks } from '../expectations.js';
import { stateName, type Person } from '../person.js';
import { bothSeeJoined, type Scene, type SharedRoom } from '../scene.js';
import type { Step } from '../step.js';

const restricted: Step = {
  name: 'restricted-join',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const lobby = await scene.createRoom(alice);
    const allow = [{ type: 'm.room_membership', room_id: lobby }];
    const roomId = await scene.createRoom(alice, joinRule('restricted', { allow }));
    const target = path`/v3/join/${roomId}` + via(scene);
    expectRefusal('the join from outside', await bob.user.request('POST', target, {}), 'M_FORBIDDEN');
    await scene.join(bob, lobby);
    await bothSeeJoined(lobby, alice, bob);
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    const { state } = await alice.sees(roomId, 'anything', () => true);
    const authoriser = state.get(stateName('m.room.member', bob.userId))?.content[
      'join_authorised_via_users_server'
    ];
    expectEqual('join_authorised_via_users_server', authoriser, alice.userId);
    await speaks(roomId, bob, alice);
    await sameState(roomId, alice, bob);
  },
};

const knock: Step = {
  name: 'knock-accepted',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, joinRule('knock'));
    await knockAt(scene, bob, roomId);
    const { stripped } = await bob.sees(roomId, 'its knock', ({ membership }) => membership === 'knock');
    const types = stripped.map(({ type }) => type);
    if (!types.includes('m.room.name')) throw new Error(`the knock's state has no name: ${types.join(' ')}`);
    await seesMembership(roomId, alice, bob, 'knock');
    await alice.user.invite(roomId, bob.userId);
    await isIn(roomId, bob, 'invite');
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    await speaks(roomId, alice, bob);
    await speaks(roomId, bob, alice);
  },
};

const retractedFromOutside: Step = {
  name: 'knock-retracted-from-outside',
  skips: ({ guest }) =>
    guest.kind === 'synapse'
      ? 'Synapse takes a knock back for itself only (remote_rescind_knock)'
      : undefined,
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice, joinRule('knock'));
    await knockAt(scene, bob, roomId);
    await takesBack(roomId, bob, [alice]);
  },
};

const retracted: Step = {
  name: 'knock-retracted',
  async play(scene) {
    const { roomId, alice, bob } = await roomToKnockAt(scene);
    const carol = await scene.newGuest('carol');
    await knockAt(scene, carol, roomId);
    await takesBack(roomId, carol, [alice, bob]);
  },
};

const refused: Step = {
  name: 'knock-refused',
  async play(scene) {
    const { roomId, alice, bob } = await roomToKnockAt(scene);
    const carol = await scene.newGuest('carol');
    await knockAt(scene, carol, roomId);
    await seesMembership(roomId, alice, carol, 'knock');
    await seesMembership(roomId, bob, carol, 'knock');
    await isIn(roomId, carol, 'knock');
    await alice.user.kick(roomId, carol.userId);
    await seesMembership(roomId, bob, carol, 'leave');
    await isIn(roomId, carol, 'leave');
  },
};

/** A room that bob joined before one had to knock. */
async function roomToKnockAt(scene: Scene): Promise<SharedRoom> {
  const shared = await scene.sharedRoom();
  const eventId = await shared.alice.user.setState(shared.roomId, 'm.room.join_rules', {
    join_rule: 'knock',
  });
  await shared.bob.sees(
    shared.roomId,
    'the join rule',
    ({ state }) => state.get(stateName('m.room.join_rules'))?.event_id === eventId,
  );
  return shared;
}

async function takesBack(roomId: string, knocker: Person, members: readonly Person[]): Promise<void> {
  for (const member of members) await seesMembership(roomId, member, knocker, 'knock');
  await knocker.user.leave(roomId);
  for (const member of members) await seesMembership(roomId, member, knocker, 'leave');
}

async function knockAt(scene: Scene, person: Person, roomId: string): Promise<void> {
  await person.user.expect('POST', path`/v3/knock/${roomId}` + via(scene), { reason: 'let me in' });
}

const via = ({ host }: Scene): string => query({ via: host.serverName, server_name: host.serverName });

/** Options of a room that starts with this join rule. */
function joinRule(rule: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const content = { join_rule: rule, ...more };
  return { initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] };
}

export const joinRuleSteps: readonly Step[] = [restricted, knock, retractedFromOutside, retracted, refused];
