import type { SigningKey } from '@atoll/event-crypto';
import type { RemoteMembership } from '@atoll/contract';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type RoomEvent,
  type RoomId,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import {
  buildEvent,
  type EventDraft,
  parseEventText,
  rulesOf,
  type RoomVersionRules,
  withPlainNumbers,
} from '@atoll/room-rules';
import { chosenEventId } from '../append-event/chosen-event-ids.js';
import type { PendingEvent } from '../room-actor/pending-event.js';

/** What a local user wants in a room that this server is not in. */
export interface RemoteWish {
  readonly roomId: RoomId;
  readonly user: UserId;
  readonly membership: RemoteMembership;
  /** Of the member event, beside the membership. */
  readonly content: JsonObject;
  /** Of the client, to be kept with a join. */
  readonly transaction?: PendingEvent['transaction'] | undefined;
}

/** A member event of ours for a room of others. */
export interface OwnMemberEvent {
  readonly event: RoomEvent;
  readonly rules: RoomVersionRules;
}

/**
 * Makes the event that a resident server has drawn up: takes its place in the graph and the authorising user from it, everything else is
 * ours. `undefined` unless the template is what was asked for.
 * @param roomVersion as the server says; absent it is "1"
 * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function memberEventFrom(
  template: JsonValue | undefined,
  wish: RemoteWish,
  roomVersion: JsonValue | undefined,
  serverName: ServerName,
  key: SigningKey,
): Promise<OwnMemberEvent | undefined> {
  const rules = rulesOf(typeof roomVersion === 'string' ? roomVersion : '1');
  if (!rules || !isJsonObject(template) || !fits(template, wish)) return undefined;
  const { content, depth, prev_events, auth_events } = template as JsonObject & Partial<EventDraft>;
  const authoriser = content?.['join_authorised_via_users_server'];
  const draft = {
    type: 'm.room.member',
    room_id: wish.roomId,
    ...chosenEventId(serverName, rules),
    sender: wish.user,
    state_key: wish.user,
    content: {
      ...wish.content,
      membership: wish.membership,
      ...(authoriser !== undefined &&
        wish.membership === 'join' && { join_authorised_via_users_server: authoriser }),
    },
    origin_server_ts: Date.now(),
    depth,
    prev_events,
    auth_events,
  };
  // The rest of the template is another server's word: the format of the room version decides whether it makes an event.
  const parsed = parseEventText(JSON.stringify({ ...draft, hashes: { sha256: 'x' }, signatures: {} }), rules);
  if ('problem' in parsed) return undefined;
  const { depth: plainDepth } = withPlainNumbers(parsed.event, rules);
  return {
    event: await buildEvent({ ...(draft as EventDraft), depth: plainDepth }, rules, serverName, key),
    rules,
  };
}

function fits(template: JsonObject, { roomId, user, membership }: RemoteWish): boolean {
  const { type, room_id, sender, state_key, content } = template;
  return (
    type === 'm.room.member' &&
    room_id === roomId &&
    sender === user &&
    state_key === user &&
    isJsonObject(content) &&
    content['membership'] === membership
  );
}
