import { type CommandInput, type ChangeMembership, MAX_VIA } from '@atoll/contract';
import { type EventId, isServerName, type RoomId, type ServerName, serverNameOf } from '@atoll/matrix';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { RemoteWish } from '../remote-rooms/member-event.js';
import type { RemoteMemberships } from '../remote-rooms/remote-memberships.js';
import type { RoomServers } from '../remote-rooms/room-servers.js';
import type { UnjoinedRooms } from '../remote-rooms/unjoined-rooms.js';

type Input = CommandInput<typeof ChangeMembership>;

/** Joined servers of a room that are asked after those that the client names. */
const MAX_ROOM_SERVERS = 10;

/** What a user does to the own membership in a room that this server is not in. */
export class RemoteChanges {
  constructor(
    private readonly serverName: ServerName,
    private readonly rooms: RoomCommands,
    private readonly unjoined: UnjoinedRooms,
    private readonly remote: RemoteMemberships,
    private readonly roomServers: RoomServers,
  ) {}

  /**
   * Carries the change out with the help of other servers, if it takes them.
   * @param deadline ms since 1970
   * @returns undefined when this server is to decide it; null when nothing had to change
   * @throws MatrixError what the most telling server answered
   */
  async change(input: Input, deadline: number): Promise<EventId | null | undefined> {
    const { action, sender, target } = input;
    if (sender !== target || (action !== 'join' && action !== 'leave' && action !== 'knock'))
      return undefined;
    const found = await this.rooms.run(input.roomId, deadline, async (actor) => {
      return { answer: await this.lookAt(actor, input) };
    });
    if (!found) return undefined;
    if (action === 'leave' && !found.mayLeave) return found.isKnown ? null : undefined;
    if (found.servers.length === 0 && action !== 'leave') return undefined;
    return this.remote[action](wishOf(input, action), found.servers, deadline);
  }

  /**
   * Joins a room that this server is in, but in which nobody here may let the user in.
   * @returns undefined when there is no other server to ask
   */
  async joinByOthers(input: Input, deadline: number): Promise<EventId | undefined> {
    const inRoom = await this.rooms.run(input.roomId, deadline, async (actor) => ({
      answer: actor ? await this.roomServers.serversIn(actor.roomNid, MAX_ROOM_SERVERS) : [],
    }));
    const servers = this.candidates(input, inRoom);
    if (servers.length === 0) return undefined;
    return this.remote.join(wishOf(input, 'join'), servers, deadline, true);
  }

  private async lookAt(actor: RoomActor | undefined, input: Input) {
    if (!actor) return { servers: this.candidates(input, []), isKnown: false, mayLeave: false };
    if (await this.unjoined.isJoined(actor)) return undefined;
    const inRoom = await this.roomServers.serversIn(actor.roomNid, MAX_ROOM_SERVERS);
    const hasState = actor.stateEventId('m.room.create', '') !== undefined;
    // A room that everybody has left is nobody else's: who may enter it again, this server can tell.
    if (hasState && inRoom.length === 0) return undefined;
    const held = await this.unjoined.memberEvent(actor, input.target);
    const membership = held?.pdu.content['membership'];
    const inviter = membership === 'invite' && held ? [serverNameOf(held.pdu.sender)] : [];
    return {
      servers: this.candidates(input, [...inviter, ...inRoom]),
      isKnown: true,
      mayLeave: membership === 'invite' || membership === 'knock',
    };
  }

  private candidates({ via = [], roomId }: Input, known: readonly ServerName[]): ServerName[] {
    const all = [...via, ...known, ...serverIn(roomId)];
    return [...new Set(all)].filter((name) => name !== this.serverName).slice(0, MAX_VIA);
  }
}

function wishOf(
  { roomId, target, content, reason, transaction }: Input,
  membership: RemoteWish['membership'],
): RemoteWish {
  return {
    roomId,
    user: target,
    membership,
    content: { ...content, ...(reason !== undefined && { reason }) },
    ...(transaction && { transaction }),
  };
}

/** The server that made the room, where the room id says so: it may still be in it. */
function serverIn(roomId: RoomId): ServerName[] {
  const name = roomId.slice(roomId.indexOf(':') + 1);
  return roomId.includes(':') && isServerName(name) ? [name] : [];
}
