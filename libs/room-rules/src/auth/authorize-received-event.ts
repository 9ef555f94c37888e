import type { RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { authorizeEvent } from './authorize-event.js';
import { checkAuthEvents } from './check-auth-events.js';
import type { Rejection } from './rejection.js';
import type { StateLookup } from './state-lookup.js';

/** What the authorisation of a received event goes by. */
export interface AuthorisationBasis {
  /** The events that its `auth_events` name, all of them. */
  readonly authEvents: readonly RoomEvent[];
  /** The room's create event: in version 12 it counts with the auth events although none cites it. */
  readonly create: RoomEvent | undefined;
  /** The state before the event. */
  readonly before: StateLookup;
  /** The current state of the room; absent where it is the state before the event. */
  readonly current?: StateLookup | undefined;
}

/**
 * - `accepted`;
 * - `rejected`: no part of the room's state or timeline, and neither is what cites it as authority;
 * - `soft-failed`: part of the graph and of state resolution, but nobody is shown it and nothing new builds on it.
 */
export type AuthorisationVerdict =
  | { readonly verdict: 'accepted' }
  | { readonly verdict: 'rejected' | 'soft-failed'; readonly rejection: Rejection };

/**
 * The three authorisation checks on receipt of an event, local or remote: by its auth events, by the state before it, by the
 * current state of the room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu (4–6)
 * @see https://spec.matrix.org/v1.19/server-server-api/#soft-failure
 */
export function authorizeReceivedEvent(
  event: RoomEvent,
  { authEvents, create, before, current }: AuthorisationBasis,
  rules: RoomVersionRules,
): AuthorisationVerdict {
  const rejection =
    authorizeByAuthEvents(event, { authEvents, create }, rules) ?? authorizeEvent(event, before, rules);
  if (rejection !== undefined) return { verdict: 'rejected', rejection };
  const softFailure = current && authorizeEvent(event, current, rules);
  return softFailure === undefined
    ? { verdict: 'accepted' }
    : { verdict: 'soft-failed', rejection: softFailure };
}

/**
 * The first of them alone: all that can be said of an event without its place in the room, such as one of somebody's state.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu (4)
 */
export function authorizeByAuthEvents(
  event: RoomEvent,
  { authEvents, create }: Pick<AuthorisationBasis, 'authEvents' | 'create'>,
  rules: RoomVersionRules,
): Rejection | undefined {
  return (
    checkAuthEvents(event, authEvents, rules) ??
    authorizeEvent(event, lookupAmong(authEvents, create, rules), rules)
  );
}

function lookupAmong(
  authEvents: readonly RoomEvent[],
  create: RoomEvent | undefined,
  { createEventImpliedByRoomId }: RoomVersionRules,
): StateLookup {
  return (type, key) =>
    authEvents.find(({ pdu }) => pdu.type === type && pdu.state_key === key) ??
    (createEventImpliedByRoomId && type === 'm.room.create' ? create : undefined);
}
