import { createHash } from 'node:crypto';
import type { EventId, RoomEvent } from '@atoll/matrix';
import { authorizeEvent } from '../../auth/authorize-event.js';
import type { RoomVersionRules } from '../../room-version-rules.js';
import { splitStateKey, stateKey, type StateKey, type StateMap } from '../../state-map.js';

/**
 * State resolution of version 1 written sentence by sentence from the specification, to compare the real one with. Two
 * sentences are not in the text but in every server: the conflicts of one pass are decided before any of them counts, and a
 * key of the last pass that no event may take goes to the one that comes first in the order of the other passes.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function resolveV1ByTheText(
  states: readonly StateMap[],
  events: ReadonlyMap<EventId, RoomEvent>,
  rules: RoomVersionRules,
): StateMap {
  const at = (id: EventId) => events.get(id) as RoomEvent;

  // "Start by setting R to the union of the states to be resolved, excluding any conflicting events."
  const keys = new Set(states.flatMap((state) => [...state.keys()]));
  const eventsOf = (key: StateKey) => [...new Set(states.flatMap((state) => state.get(key) ?? []))].map(at);
  const isConflict = (key: StateKey) => eventsOf(key).length > 1;
  let r = new Map<StateKey, EventId>();
  for (const key of keys) if (!isConflict(key)) r.set(key, (eventsOf(key)[0] as RoomEvent).eventId);

  const isAllowed = (event: RoomEvent, state: StateMap) =>
    authorizeEvent(
      event,
      (type, key) => {
        const id = state.get(stateKey(type, key));
        return id === undefined ? undefined : at(id);
      },
      rules,
    ) === undefined;

  // "Sort the list by ascending depth then descending sha1(event_id)."
  const sha1 = ({ eventId }: RoomEvent) => createHash('sha1').update(eventId).digest('hex');
  const sorted = (key: StateKey) =>
    eventsOf(key).sort((one, other) => {
      if (one.pdu.depth !== other.pdu.depth) return one.pdu.depth - other.pdu.depth;
      return sha1(one) > sha1(other) ? -1 : 1;
    });

  const ofType = (type: string) =>
    [...keys].filter((key) => isConflict(key) && splitStateKey(key)[0] === type);
  const authTypes = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'];
  for (const type of authTypes) {
    const decided = new Map<StateKey, EventId>();
    for (const key of ofType(type)) {
      const [first, ...rest] = sorted(key) as [RoomEvent, ...RoomEvent[]];
      // "Add the first event in the list to R. For each subsequent event …"
      const own = new Map(r).set(key, first.eventId);
      for (const event of rest) {
        if (!isAllowed(event, own)) break;
        own.set(key, event.eventId);
      }
      decided.set(key, own.get(key) as EventId);
    }
    r = new Map([...r, ...decided]);
  }

  // "For all other conflicts, just pick the event with the highest depth and lowest sha1(event_id) that passes in R."
  const others = [...keys].filter((key) => isConflict(key) && !authTypes.includes(splitStateKey(key)[0]));
  const before = new Map(r);
  for (const key of others) {
    const list = sorted(key) as [RoomEvent, ...RoomEvent[]];
    const passing = list.filter((event) => isAllowed(event, before));
    r.set(key, (passing.at(-1) ?? list[0]).eventId);
  }
  return r;
}
