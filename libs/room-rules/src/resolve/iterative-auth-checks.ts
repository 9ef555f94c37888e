import type { EventId, RoomEvent } from '@atoll/matrix';
import { authorizeEvent } from '../auth/authorize-event.js';
import type { Rejection } from '../auth/rejection.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { authStateOf } from './auth-state.js';
import type { EventSource } from './event-source.js';

/** The state while it is being resolved: what was allowed so far over what resolution started from. */
export interface PartialState {
  readonly base: StateMap;
  readonly resolved: Map<StateKey, EventId>;
}

/**
 * Applies each event that the state so far allows. What the state lacks is taken from the event's own auth events.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions iterative auth checks
 */
export function applyAuthorized(
  events: readonly RoomEvent[],
  { base, resolved }: PartialState,
  source: EventSource,
  rules: RoomVersionRules,
  record: (key: StateKey, event: RoomEvent, rejection: Rejection | undefined) => void,
): void {
  for (const event of events) {
    if (event.pdu.state_key === undefined) continue;
    const ownAuthState = authStateOf(event, source, rules);
    const rejection = authorizeEvent(
      event,
      (type, key) => {
        const joined = stateKey(type, key);
        const id = resolved.get(joined) ?? base.get(joined);
        return id === undefined ? ownAuthState(type, key) : source.get(id);
      },
      rules,
    );
    const key = stateKey(event.pdu.type, event.pdu.state_key);
    if (rejection === undefined) resolved.set(key, event.eventId);
    record(key, event, rejection);
  }
}
