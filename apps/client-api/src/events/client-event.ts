import type { StoredEvent } from '@atoll/database';
import type { EventId, JsonObject, Pdu, RoomId } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';
import { delayIdOf } from './delayed-transaction.js';

/** Who asks, and what about the event they may know. */
export interface ClientEventContext {
  /** The asking device: it alone learns the transaction id of what it sent. */
  readonly userId: string;
  readonly deviceId?: string | undefined;
  /** Milliseconds since the epoch, for `age`. */
  readonly now: number;
  /** The asking user's membership at the event. */
  readonly membership?: string | undefined;
  /** Of a state event: what it replaced; the content only when the user may see that event. */
  readonly replaced?: { readonly eventId: EventId; readonly visible?: StoredEvent | undefined } | undefined;
  /** What its children add up to. */
  readonly relations?: JsonObject | undefined;
}

/** `client` with or without `room_id`, or `federation`: the event as servers exchange it. */
export type EventFormat = 'client' | 'client-without-room-id' | 'federation';

/**
 * An event as a client gets it: redacted if it was redacted, with what the asking user may know in `unsigned`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export function toClientEvent(
  event: StoredEvent,
  context: ClientEventContext,
  format: EventFormat = 'client',
): JsonObject {
  const pdu = servedPdu(event);
  const unsigned = unsignedOf(event, pdu, context);
  if (format === 'federation') return { ...(pdu as JsonObject), event_id: event.eventId, unsigned };
  const body = clientBody(event.eventId, pdu, format === 'client' ? event.roomId : undefined);
  return { ...body, unsigned };
}

/** The event itself, or its redacted copy. */
export function servedPdu(event: StoredEvent): Pdu {
  const rules = rulesOf(event.roomVersion);
  return event.redactedBecause === undefined || rules === undefined
    ? event.pdu
    : redactEvent(event.pdu, rules);
}

/**
 * Only what somebody outside of the room is told.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function toStrippedState(event: StoredEvent): JsonObject {
  const { type, sender, content, state_key } = servedPdu(event);
  return { type, sender, content, state_key: state_key ?? '' };
}

function clientBody(eventId: EventId, pdu: Pdu, roomId: RoomId | undefined): JsonObject {
  const redacts = pdu.type === 'm.room.redaction' ? (pdu.redacts ?? pdu.content['redacts']) : undefined;
  return {
    type: pdu.type,
    ...(roomId !== undefined && { room_id: roomId }),
    event_id: eventId,
    sender: pdu.sender,
    origin_server_ts: pdu.origin_server_ts,
    ...(pdu.state_key !== undefined && { state_key: pdu.state_key }),
    // Room version 11 moved `redacts`; older and newer clients look for it in either place.
    content: redacts === undefined ? pdu.content : { ...pdu.content, redacts },
    ...(redacts !== undefined && { redacts }),
  };
}

function unsignedOf(event: StoredEvent, pdu: Pdu, context: ClientEventContext): JsonObject {
  const { replaced, now, membership, relations } = context;
  const before = replaced?.visible && servedPdu(replaced.visible);
  const isSender = pdu.sender === context.userId;
  const delayId = isSender ? delayIdOf(event.transaction) : undefined;
  const isOfDevice = isSender && delayId === undefined && event.transaction?.deviceId === context.deviceId;
  return {
    age: now - pdu.origin_server_ts,
    ...(membership !== undefined && { membership }),
    ...(event.transaction && isOfDevice && { transaction_id: event.transaction.id }),
    ...(delayId !== undefined && { delay_id: delayId, 'org.matrix.msc4140.delay_id': delayId }),
    ...(replaced && { replaces_state: replaced.eventId }),
    ...(before && { prev_content: before.content, prev_sender: before.sender }),
    ...(relations && { 'm.relations': relations }),
    ...(event.redactedBecause && { redacted_because: redactionOf(event, event.redactedBecause, now) }),
  };
}

function redactionOf(event: StoredEvent, because: { eventId: EventId; pdu: Pdu }, now: number): JsonObject {
  return {
    ...clientBody(because.eventId, because.pdu, event.roomId),
    unsigned: { age: now - because.pdu.origin_server_ts },
  };
}
