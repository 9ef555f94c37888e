import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, UserId } from '@atoll/matrix';
import { stateKey, supportedRoomVersions } from '@atoll/room-rules';
import { strippedState } from './membership-routes.js';
import { RemoteRoom } from './remote-room.js';
import type { RemoteServer } from './remote-server.js';
import type { Peer, PeerAnswer } from './send-request.js';

/** A peer refused what a test builds on. */
export class PeerRefused extends Error {
  override readonly name = 'PeerRefused';

  constructor(
    request: string,
    readonly answer: PeerAnswer,
  ) {
    super(`${request} was answered ${answer.status} ${answer.text.slice(0, 500)}`);
  }
}

/** A member event made from a peer's template, not sent yet. */
export interface MadeMembership {
  readonly room: RemoteRoom;
  readonly event: RoomEvent;
}

type Membership = 'join' | 'leave' | 'knock';

const federation = (version: string, ...parts: string[]): string =>
  ['/_matrix/federation', version, ...parts.map(encodeURIComponent)].join('/');

/**
 * Asks for the template of a member event and completes it.
 * @param fields instead of what the template says
 * @throws PeerRefused
 */
export async function makeMembership(
  remote: RemoteServer,
  peer: Peer,
  membership: Membership,
  roomId: string,
  user: UserId,
  fields: Partial<Pdu> = {},
): Promise<MadeMembership> {
  const versions = supportedRoomVersions.map(({ version }) => `ver=${version}`).join('&');
  const path = `${federation('v1', `make_${membership}`, roomId, user)}${membership === 'leave' ? '' : `?${versions}`}`;
  const answer = await remote.send(peer, 'GET', path);
  if (answer.status !== 200) throw new PeerRefused(`make_${membership}`, answer);
  const { room_version: version, event } = answer.body as unknown as { room_version: string; event: Pdu };
  const room = remote.rooms.get(roomId) ?? RemoteRoom.ofVersion(remote, version, roomId as RoomId);
  const draft = { ...event, origin_server_ts: Date.now(), ...fields };
  return { room, event: await room.build(draft) };
}

/** Sends a member event by `/send_join`, `/send_leave` or `/send_knock`, whatever it holds. */
export function sendMembership(
  remote: RemoteServer,
  peer: Peer,
  membership: Membership,
  { room, event }: MadeMembership,
): Promise<PeerAnswer> {
  const version = membership === 'knock' ? 'v1' : 'v2';
  const path = federation(version, `send_${membership}`, room.roomId, event.eventId);
  return remote.send(peer, 'PUT', path, event.pdu);
}

/**
 * Joins a room by way of a peer, as an honest server does.
 * @returns the room as the peer told it, in which more can be said
 * @throws PeerRefused
 */
export async function joinRoom(
  remote: RemoteServer,
  peer: Peer,
  roomId: string,
  user: UserId,
): Promise<RemoteRoom> {
  const made = await makeMembership(remote, peer, 'join', roomId, user);
  const answer = await sendMembership(remote, peer, 'join', made);
  if (answer.status !== 200) throw new PeerRefused('send_join', answer);
  return takeJoinAnswer(remote, made, answer.body);
}

/** Takes in the answer to `/send_join`. */
export function takeJoinAnswer(
  remote: RemoteServer,
  { room, event }: MadeMembership,
  answer: JsonObject,
): RemoteRoom {
  const [chain, state] = [answer['auth_chain'], answer['state']] as unknown as [Pdu[], Pdu[]];
  for (const pdu of chain) room.remember(pdu);
  const before = new Map(
    state.map((pdu) => [stateKey(pdu.type, pdu.state_key ?? ''), room.remember(pdu).eventId] as const),
  );
  const signed = answer['event'] as unknown as Pdu | undefined;
  room.add({ ...event, pdu: signed ?? event.pdu }, before);
  remote.rooms.set(room.roomId, room);
  return room;
}

/** Leaves a room, or refuses an invite to it, by way of a peer. @throws PeerRefused */
export async function leaveRoom(
  remote: RemoteServer,
  peer: Peer,
  roomId: string,
  user: UserId,
): Promise<EventId> {
  const made = await makeMembership(remote, peer, 'leave', roomId, user);
  const answer = await sendMembership(remote, peer, 'leave', made);
  if (answer.status !== 200) throw new PeerRefused('send_leave', answer);
  remote.rooms.get(roomId)?.add(made.event);
  return made.event.eventId;
}

/** @returns the stripped state that the peer answers @throws PeerRefused */
export async function knockOnRoom(
  remote: RemoteServer,
  peer: Peer,
  roomId: string,
  user: UserId,
  reason?: string,
): Promise<JsonObject[]> {
  const content = { membership: 'knock', ...(reason !== undefined && { reason }) };
  const made = await makeMembership(remote, peer, 'knock', roomId, user, { content });
  const answer = await sendMembership(remote, peer, 'knock', made);
  if (answer.status !== 200) throw new PeerRefused('send_knock', answer);
  return answer.body['knock_room_state'] as JsonObject[];
}

export interface InviteOptions {
  /** Instead of the invite event that the room builds. */
  readonly event?: RoomEvent;
  /** Instead of the room's create event, join rules and name. */
  readonly strippedState?: readonly unknown[];
  /** Instead of the room's own. */
  readonly roomVersion?: string;
}

export interface InviteAnswer extends PeerAnswer {
  /** With the peer's signature where it gave one. */
  readonly event: RoomEvent;
}

/** Sends an invite to the invited user's server; once that has signed it, it stands in the room. */
export async function inviteUser(
  remote: RemoteServer,
  peer: Peer,
  room: RemoteRoom,
  inviter: UserId,
  invited: UserId,
  options: InviteOptions = {},
): Promise<InviteAnswer> {
  const { strippedState: stripped = strippedState(room), roomVersion = room.rules.version } = options;
  const content = { membership: 'invite' };
  const draft = { type: 'm.room.member', sender: inviter, state_key: invited, content };
  const event = options.event ?? (await room.build(draft));
  const path = federation('v2', 'invite', room.roomId, event.eventId);
  const body = { room_version: roomVersion, event: event.pdu, invite_room_state: stripped };
  const answer = await remote.send(peer, 'PUT', path, body);
  if (answer.status !== 200) return { ...answer, event };
  return { ...answer, event: room.add({ ...event, pdu: answer.body['event'] as unknown as Pdu }) };
}
