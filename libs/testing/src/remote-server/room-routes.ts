import type { EventId, JsonObject, Pdu, UserId } from '@atoll/matrix';
import { pdusOf } from './membership-routes.js';
import type { ReceivedRequest } from './received-request.js';
import { type JsonAnswer, matrixError } from './remote-answer.js';
import type { RemoteRoom } from './remote-room.js';
import type { RoomHost } from './room-host.js';
import { usersWith, walkBack } from './room-walks.js';
import type { RemoteHandler, RemoteRoute } from './routes.js';

const FEDERATION = '/_matrix/federation/v1';
const notFound = matrixError(404, 'M_NOT_FOUND', 'There is no such thing');

/** Events, state, history and directories as an honest server answers them; who may see what is not asked. */
export function roomRoutes(host: RoomHost): RemoteRoute[] {
  const route = (method: string, path: string, handler: RemoteHandler): RemoteRoute => {
    return { method, pattern: `${FEDERATION}${path}`, handler };
  };
  const inRoom = (answer: (room: RemoteRoom, request: ReceivedRequest) => JsonAnswer): RemoteHandler => {
    return (request) => {
      const room = host.rooms.get(request.parameters['roomId'] ?? '');
      return room === undefined ? notFound : answer(room, request);
    };
  };
  return [
    route('PUT', '/send/:txnId', (request) => takeTransaction(host, request)),
    route('GET', '/event/:eventId', (request) => oneEvent(host, request)),
    route('GET', '/state/:roomId', inRoom(stateAt)),
    route('GET', '/state_ids/:roomId', inRoom(stateIdsAt)),
    route('GET', '/event_auth/:roomId/:eventId', inRoom(eventAuth)),
    route(
      'GET',
      '/backfill/:roomId',
      inRoom((room, request) => backfill(host, room, request)),
    ),
    route('POST', '/get_missing_events/:roomId', inRoom(missingEvents)),
    route('GET', '/query/directory', (request) => queryDirectory(host, request)),
    route('GET', '/query/profile', (request) => queryProfile(host, request)),
    route('GET', '/publicRooms', () => publicRooms(host)),
    route('POST', '/publicRooms', () => publicRooms(host)),
  ];
}

function takeTransaction(host: RoomHost, { body }: ReceivedRequest): JsonAnswer {
  const pdus = (body['pdus'] ?? []) as unknown as Pdu[];
  const results = pdus.map((pdu) => host.rooms.get(pdu.room_id ?? '')?.receive(pdu).eventId);
  return {
    body: { pdus: Object.fromEntries(results.filter((id) => id !== undefined).map((id) => [id, {}])) },
  };
}

function oneEvent(host: RoomHost, { parameters }: ReceivedRequest): JsonAnswer {
  const eventId = parameters['eventId'] as EventId;
  const event = [...host.rooms.values()]
    .map((room) => room.events.get(eventId))
    .find((one) => one !== undefined);
  return event === undefined ? notFound : { body: transactionOf(host, [event.pdu]) };
}

function transactionOf({ serverName }: RoomHost, pdus: readonly Pdu[]): Record<string, unknown> {
  return { origin: serverName, origin_server_ts: Date.now(), pdus };
}

function stateAt(room: RemoteRoom, { query }: ReceivedRequest): JsonAnswer {
  const state = room.eventsOf(room.stateBefore(query.get('event_id') as EventId).values());
  const chain = room.authChain(state.map(({ eventId }) => eventId));
  return { body: { pdus: pdusOf(state), auth_chain: pdusOf(chain) } };
}

function stateIdsAt(room: RemoteRoom, { query }: ReceivedRequest): JsonAnswer {
  const ids = [...room.stateBefore(query.get('event_id') as EventId).values()];
  return { body: { pdu_ids: ids, auth_chain_ids: room.authChain(ids).map(({ eventId }) => eventId) } };
}

function eventAuth(room: RemoteRoom, { parameters }: ReceivedRequest): JsonAnswer {
  return { body: { auth_chain: pdusOf(room.authChain([parameters['eventId'] as EventId])) } };
}

function backfill(host: RoomHost, room: RemoteRoom, { query }: ReceivedRequest): JsonAnswer {
  const limit = Number(query.get('limit') ?? 100);
  return { body: transactionOf(host, pdusOf(walkBack(room, query.getAll('v') as EventId[], { limit }))) };
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid */
function missingEvents(room: RemoteRoom, { body }: ReceivedRequest): JsonAnswer {
  const latest = (body['latest_events'] ?? []) as EventId[];
  const except = new Set((body['earliest_events'] ?? []) as EventId[]);
  const [limit, minDepth] = [Number(body['limit'] ?? 10), Number(body['min_depth'] ?? 0)];
  const walked = walkBack(room, latest, { limit: limit + latest.length, except, minDepth });
  const events = walked.filter(({ eventId }) => !latest.includes(eventId)).slice(0, limit);
  return { body: { events: pdusOf(events).sort((one, other) => one.depth - other.depth) } };
}

function queryDirectory({ aliases, serverName }: RoomHost, { query }: ReceivedRequest): JsonAnswer {
  const roomId = aliases.get(query.get('room_alias') ?? '');
  return roomId === undefined ? notFound : { body: { room_id: roomId, servers: [serverName] } };
}

function queryProfile({ profiles }: RoomHost, { query }: ReceivedRequest): JsonAnswer {
  const profile = profiles.get(query.get('user_id') as UserId);
  if (profile === undefined) return notFound;
  const field = query.get('field');
  return { body: field === null ? profile : { [field]: profile[field] } };
}

function publicRooms({ rooms, published }: RoomHost): JsonAnswer {
  const listed = [...published].map((id) => rooms.get(id)).filter((room) => room !== undefined);
  const chunk = listed.map((room): JsonObject => {
    const name = room.current('m.room.name')?.pdu.content['name'];
    return {
      room_id: room.roomId,
      num_joined_members: usersWith(room, 'join').length,
      world_readable: false,
      guest_can_join: false,
      ...(typeof name === 'string' && { name }),
    };
  });
  return { body: { chunk, total_room_count_estimate: chunk.length } };
}
