import type { JsonObject } from './json.js';
import type { EventId, RoomId, UserId } from './ids.js';

/** How an event names another one: by its id, or in room versions 1 and 2 by its id and its reference hash. */
export type EventReference = EventId | [eventId: EventId, hashes: { sha256: string }];

/**
 * A persistent data unit as it travels between servers and lies in the database.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#event-format
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export interface Pdu {
  type: string;
  /** Absent on the create event of room version 12. */
  room_id?: RoomId;
  /** Only in room versions 1 and 2; from 3 on it is computed. */
  event_id?: EventId;
  sender: UserId;
  state_key?: string;
  content: JsonObject;
  origin_server_ts: number;
  depth: number;
  prev_events: EventReference[];
  auth_events: EventReference[];
  hashes: { sha256: string };
  signatures: Record<string, Record<string, string>>;
  /** Only in room versions 1 to 10; from 11 on it stands in the content. */
  redacts?: EventId;
  unsigned?: JsonObject;
  [key: string]: unknown;
}

/** An event with the id and the room that its room version gives it: what room rules and readers work on. */
export interface RoomEvent {
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly pdu: Pdu;
  /** Refused by the checks on receipt; an event that cites it in `auth_events` is refused as well. */
  readonly rejected: boolean;
}

/** The ids of the events that an event follows, whatever its room version. */
export function prevEventIds({ prev_events: references }: Pick<Pdu, 'prev_events'>): readonly EventId[] {
  return idsOf(references);
}

/** The ids of the events that an event cites as its authority, whatever its room version. */
export function authEventIds({ auth_events: references }: Pick<Pdu, 'auth_events'>): readonly EventId[] {
  return idsOf(references);
}

/** The list itself where it holds ids: auth chains of large rooms are walked through here. */
function idsOf(references: readonly EventReference[]): readonly EventId[] {
  return areIds(references) ? references : references.map(idOf);
}

/** Format checks let no list pass that mixes both forms. */
function areIds(references: readonly EventReference[]): references is readonly EventId[] {
  return references.length === 0 || typeof references[0] === 'string';
}

function idOf(reference: EventReference): EventId {
  return typeof reference === 'string' ? reference : reference[0];
}
