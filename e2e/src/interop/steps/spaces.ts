import { path } from '@atoll/testing';
import { eventually, expectEqual } from '../expectations.js';
import type { Person } from '../person.js';
import type { Scene } from '../scene.js';
import type { Step } from '../step.js';

const hierarchy: Step = {
  name: 'space-hierarchy',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const space = await newSpace(scene, alice);
    const [open, closed] = [
      await scene.createRoom(alice),
      await scene.createRoom(alice, { preset: 'private_chat' }),
    ];
    const inner = await newSpace(scene, alice);
    const innermost = await scene.createRoom(alice);
    await addChildren(scene, alice, space, [open, closed, inner]);
    await addChildren(scene, alice, inner, [innermost]);
    await scene.join(bob, space);
    await eventually(async () => {
      const { rooms } = await bob.user.expect('GET', path`/v1/rooms/${space}/hierarchy`);
      const ids = (rooms as { room_id: string }[]).map(({ room_id }) => room_id);
      expectEqual('the rooms that bob may see', ids.sort(), [space, open, inner, innermost].sort());
    });
  },
};

function newSpace(scene: Scene, creator: Person): Promise<string> {
  return scene.createRoom(creator, { name: 'A space', creation_content: { type: 'm.space' } });
}

async function addChildren(scene: Scene, { user }: Person, space: string, rooms: string[]): Promise<void> {
  for (const room of rooms) {
    await user.setState(space, 'm.space.child', { via: [scene.host.serverName] }, room);
  }
}

const byTime: Step = {
  name: 'event-by-time-from-before-the-join',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice);
    const early = await alice.user.send(roomId, 'early');
    const { origin_server_ts: ts } = await alice.user.expect('GET', path`/v3/rooms/${roomId}/event/${early}`);
    for (let n = 0; n < 30; n++) await alice.user.send(roomId, `later ${n}`);
    await scene.join(bob, roomId);
    await eventually(async () => {
      const target = path`/v1/rooms/${roomId}/timestamp_to_event` + `?ts=${String(ts)}&dir=f`;
      expectEqual('the event', (await bob.user.expect('GET', target)).event_id, early);
    });
    const { event } = await bob.user.expect('GET', path`/v3/rooms/${roomId}/context/${early}`);
    expectEqual('its context', (event as { event_id: string }).event_id, early);
  },
};

export const spaceSteps: readonly Step[] = [hierarchy, byTime];
