import { path, query } from '@atoll/testing';
import { expectEqual, expectRefusal } from '../expectations.js';
import { stateName } from '../person.js';
import type { Step } from '../step.js';

const profiles: Step = {
  name: 'profiles',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    await alice.user.expect('PUT', path`/v3/profile/${alice.userId}/displayname`, {
      displayname: 'Alice of the host',
    });
    const profile = await bob.user.expect('GET', path`/v3/profile/${alice.userId}`);
    expectEqual('the display name', profile['displayname'], 'Alice of the host');
    await bob.sees(
      roomId,
      'the new display name',
      ({ state }) =>
        state.get(stateName('m.room.member', alice.userId))?.content['displayname'] === 'Alice of the host',
    );
    const unknown = path`/v3/profile/${`@nobody-at-all:${scene.host.serverName}`}`;
    expectRefusal('the profile of nobody', await bob.user.request('GET', unknown), 'M_NOT_FOUND');
  },
};

const directory: Step = {
  name: 'directory',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const name = `directory-${Date.now()}`;
    const roomId = await scene.createRoom(alice, {
      name: `The room ${name}`,
      room_alias_name: name,
      visibility: 'public',
    });
    const alias = `#${name}:${scene.host.serverName}`;
    const found = await bob.user.expect('GET', path`/v3/directory/room/${alias}`);
    expectEqual('the room of the alias', found.room_id, roomId);
    expectEqual('its servers', found['servers'], [scene.host.serverName]);
    const unknown = path`/v3/directory/room/${`#nothing:${scene.host.serverName}`}`;
    expectRefusal('an unknown alias', await bob.user.request('GET', unknown), 'M_NOT_FOUND');
    const filter = { generic_search_term: name };
    const listed = await bob.user.expect(
      'POST',
      `/v3/publicRooms${query({ server: scene.host.serverName })}`,
      { filter },
    );
    expectEqual(
      'publicRooms of the host',
      listed.chunk?.map(({ room_id }) => room_id),
      [roomId],
    );
  },
};

export const directorySteps: readonly Step[] = [profiles, directory];
