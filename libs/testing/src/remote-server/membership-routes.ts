import {
  type EventId,
  type JsonObject,
  type Pdu,
  type RoomEvent,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { splitStateKey, type StateMap } from '@atoll/room-rules';
import type { ReceivedRequest } from './received-request.js';
import { type JsonAnswer, matrixError } from './remote-answer.js';
import { RemoteRoom } from './remote-room.js';
import type { RoomHost } from './room-host.js';
import { serversIn, usersWith } from './room-walks.js';
import type { RemoteRoute } from './routes.js';

const FEDERATION = '/_matrix/federation';
const noSuchRoom = matrixError(404, 'M_NOT_FOUND', 'There is no such room');

/** Joins, leaves, knocks and invites as an honest server answers them; nothing is checked. */
export function membershipRoutes(host: RoomHost): RemoteRoute[] {
  const makes = (['join', 'leave', 'knock'] as const).map((membership): RemoteRoute => {
    const pattern = `${FEDERATION}/v1/make_${membership}/:roomId/:userId`;
    return { method: 'GET', pattern, handler: (request) => make(host, membership, request) };
  });
  const sends = (['v1', 'v2'] as const).flatMap((version): RemoteRoute[] => [
    put(`${version}/send_join/:roomId/:eventId`, async (request) =>
      wrap(version, await sendJoin(host, request)),
    ),
    put(`${version}/send_leave/:roomId/:eventId`, (request) => wrap(version, sendLeave(host, request))),
    put(`${version}/invite/:roomId/:eventId`, async (request) =>
      wrap(version, await invite(host, version, request)),
    ),
  ]);
  return [...makes, ...sends, put('v1/send_knock/:roomId/:eventId', (request) => sendKnock(host, request))];
}

function put(path: string, handler: RemoteRoute['handler']): RemoteRoute {
  return { method: 'PUT', pattern: `${FEDERATION}/${path}`, handler };
}

/** The first version of these endpoints answers with a pair of status and body. */
function wrap(version: 'v1' | 'v2', answer: JsonAnswer): JsonAnswer {
  return version === 'v1' && answer.status === undefined ? { body: [200, answer.body] } : answer;
}

async function make(
  host: RoomHost,
  membership: string,
  { parameters }: ReceivedRequest,
): Promise<JsonAnswer> {
  const { roomId = '', userId = '' } = parameters;
  const room = host.rooms.get(roomId);
  if (room === undefined) return noSuchRoom;
  const sender = userId as UserId;
  const content = { membership, ...(membership === 'join' && authoriserFor(room, sender)) };
  const { pdu } = await room.build({ type: 'm.room.member', sender, state_key: userId, content });
  const { hashes, signatures, ...event } = pdu;
  return { body: { room_version: room.rules.version, event } };
}

/** In a restricted room a user of this server vouches for those who were not invited. */
function authoriserFor(room: RemoteRoom, user: UserId): JsonObject {
  const rule = room.current('m.room.join_rules')?.pdu.content['join_rule'];
  const membership = room.current('m.room.member', user)?.pdu.content['membership'];
  if (rule !== 'restricted' && rule !== 'knock_restricted') return {};
  if (membership === 'invite' || membership === 'join') return {};
  const own = usersWith(room, 'join').find((one) => serverNameOf(one) === room.signer.serverName);
  return own === undefined ? {} : { join_authorised_via_users_server: own };
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid */
async function sendJoin(host: RoomHost, { parameters, query, body }: ReceivedRequest): Promise<JsonAnswer> {
  const room = host.rooms.get(parameters['roomId'] ?? '');
  if (room === undefined) return noSuchRoom;
  const before = room.state;
  const servers = serversIn(room);
  const event = room.receive(await countersigned(host, room, body as unknown as Pdu));
  const omitted = room.omitsMembers && query.get('omit_members') === 'true';
  const state = room.eventsOf(omitted ? withoutMembers(before) : before.values());
  const chain = room.authChain([event.eventId, ...state.map(({ eventId }) => eventId)]);
  return {
    body: {
      origin: host.serverName,
      members_omitted: omitted,
      servers_in_room: servers,
      event: event.pdu,
      state: pdusOf(state),
      auth_chain: pdusOf(chain),
    },
  };
}

async function countersigned(host: RoomHost, room: RemoteRoom, pdu: Pdu): Promise<Pdu> {
  const authoriser = pdu.content['join_authorised_via_users_server'];
  const isOurs = typeof authoriser === 'string' && serverNameOf(authoriser as UserId) === host.serverName;
  return isOurs ? room.sign(pdu) : pdu;
}

function withoutMembers(state: StateMap): EventId[] {
  return [...state].filter(([key]) => splitStateKey(key)[0] !== 'm.room.member').map(([, id]) => id);
}

function sendLeave(host: RoomHost, { parameters, body }: ReceivedRequest): JsonAnswer {
  const room = host.rooms.get(parameters['roomId'] ?? '');
  if (room === undefined) return noSuchRoom;
  room.receive(body as unknown as Pdu);
  return { body: {} };
}

function sendKnock(host: RoomHost, { parameters, body }: ReceivedRequest): JsonAnswer {
  const room = host.rooms.get(parameters['roomId'] ?? '');
  if (room === undefined) return noSuchRoom;
  room.receive(body as unknown as Pdu);
  return { body: { knock_room_state: strippedState(room) } };
}

/** The state that tells outsiders what a room is, as PDUs. */
export function strippedState(room: RemoteRoom): Pdu[] {
  const types = ['m.room.create', 'm.room.join_rules', 'm.room.name'];
  return pdusOf(types.map((type) => room.current(type)).filter((event) => event !== undefined));
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid */
async function invite(host: RoomHost, version: 'v1' | 'v2', request: ReceivedRequest): Promise<JsonAnswer> {
  const { body, parameters } = request;
  const roomId = parameters['roomId'] as RoomId;
  const [pdu, roomVersion] = version === 'v1' ? [body, '1'] : [body['event'], body['room_version'] as string];
  const event = await RemoteRoom.ofVersion(host, roomVersion, roomId).sign(pdu as unknown as Pdu);
  const strippedState = (body['invite_room_state'] ?? []) as JsonObject[];
  host.invites.push({ roomId, roomVersion, event, strippedState });
  host.rooms.get(roomId)?.receive(event);
  return { body: { event } };
}

export function pdusOf(events: readonly RoomEvent[]): Pdu[] {
  return events.map(({ pdu }) => pdu);
}
