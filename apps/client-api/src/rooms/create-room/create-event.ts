import { badJson, isUserId, type JsonObject, type RoomId, type ServerName, type UserId } from '@atoll/matrix';
import {
  type EventDraft,
  type HashedEvent,
  hashDraft,
  newEventId,
  type RoomVersionRules,
} from '@atoll/room-rules';
import { randomBytes } from 'node:crypto';
import type { CreateRoomBody } from './create-room.schema.js';

const OPAQUE_ID_BYTES = 18;

/** What of a request decides the create event's content. */
type CreationOptions = Pick<CreateRoomBody, 'creation_content' | 'preset' | 'invite'>;

/**
 * The content of the create event: the client's keys, and those that only the server sets.
 * @throws MatrixError 400 for additional creators that are no user ids, where the room version has them
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroomcreate
 */
export function createContent(creator: UserId, body: CreationOptions, rules: RoomVersionRules): JsonObject {
  const { room_version: _, creator: __, additional_creators: additional, ...custom } = body.creation_content;
  const kept = rules.privilegedCreators ? additionalCreators(creator, body) : additional;
  return {
    ...custom,
    ...(kept !== undefined && { additional_creators: kept }),
    ...(rules.creatorInContent && { creator }),
    room_version: rules.version,
  };
}

/** Those that the client names and, in a trusted chat, all whom it invites. */
function additionalCreators(creator: UserId, { creation_content, preset, invite }: CreationOptions) {
  const named = creation_content['additional_creators'];
  if (named !== undefined && !(Array.isArray(named) && named.every(isUserId))) {
    throw badJson('additional_creators must be an array of user ids');
  }
  const trusted = preset === 'trusted_private_chat' ? invite : [];
  const creators = new Set<string>([...(named ?? []), ...trusted]);
  creators.delete(creator);
  return named === undefined && creators.size === 0 ? undefined : [...creators];
}

/** The id of a new room whose version does not derive it from the create event. */
export function newRoomId(serverName: ServerName): RoomId {
  return `!${randomId()}:${serverName}` as RoomId;
}

/**
 * The create event, whose hash is the id of the room where the version says so; else the room has the id that was chosen for it.
 * Where the version says so, even the event gets a random one.
 */
export function createEvent(
  creator: UserId,
  content: JsonObject,
  rules: RoomVersionRules,
  place: { serverName: ServerName; roomId: RoomId; timestamp: number },
): HashedEvent['event'] {
  const eventId = newEventId(randomId(), place.serverName, rules);
  const draft: EventDraft = {
    type: 'm.room.create',
    ...(!rules.roomIdIsCreateEventId && { room_id: place.roomId }),
    ...(eventId !== undefined && { event_id: eventId }),
    sender: creator,
    state_key: '',
    content,
    origin_server_ts: place.timestamp,
    depth: 1,
    prev_events: [],
    auth_events: [],
  };
  return hashDraft(draft, rules).event;
}

function randomId(): string {
  return randomBytes(OPAQUE_ID_BYTES).toString('base64url');
}
