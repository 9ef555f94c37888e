import type { EventId, UserId } from '@atoll/matrix';
import { stateKey } from '@atoll/room-rules';
import type { RemoteRoom, RemoteServer } from '@atoll/testing';

/**
 * A public room of the first server with members of all of them, each of whom has joined. The joins follow one another, but only
 * the last one has its place in the graph: the state before each of them would be a map of its own.
 */
export async function createLargeRoom(
  servers: readonly RemoteServer[],
  members: number,
): Promise<RemoteRoom> {
  const [host] = servers;
  if (!host) throw new Error('there is no server');
  const room = await host.createRoom({ creator: host.user('creator'), version: '12' });
  const auth = ['m.room.power_levels', 'm.room.join_rules']
    .map((type) => room.current(type)?.eventId)
    .filter((id) => id !== undefined);
  const state = new Map(room.state);
  let prev: readonly EventId[] = room.heads;
  for (let index = 0; index < members; index += 1) {
    const server = servers[index % servers.length] ?? host;
    const sender: UserId = server.user(`member${index}`);
    const draft = {
      type: 'm.room.member',
      sender,
      state_key: sender,
      content: { membership: 'join', displayname: `Member ${index}` },
    };
    const event = await room.build(draft, { prev, auth, signers: [server] });
    prev = [event.eventId];
    if (index < members - 1) {
      room.remember(event.pdu);
      state.set(stateKey('m.room.member', sender), event.eventId);
    } else room.add(event, state);
  }
  return room;
}
