import { authEventIds, type EventId, type RoomEvent } from '@atoll/matrix';
import { authorizeEvent } from '../../auth/authorize-event.js';
import { authTypesForEvent } from '../../auth/auth-types-for-event.js';
import { powerLevelOf } from '../../auth/power-levels.js';
import type { StateLookup } from '../../auth/state-lookup.js';
import type { RoomVersionRules } from '../../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../../state-map.js';

type Events = ReadonlyMap<EventId, RoomEvent>;

/**
 * State resolution of versions 2 and 2.1 written sentence by sentence from the specification, with whole sets and without regard for time: what
 * the real one is compared with. It shares nothing with it but the authorisation rules.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveByTheText(
  states: readonly StateMap[],
  events: Events,
  rules: RoomVersionRules,
): StateMap {
  const is21 = rules.stateResolution === 'v2.1';
  const at = (id: EventId) => events.get(id) as RoomEvent;

  const chains = new Map<EventId, Set<EventId>>();
  const authChain = (id: EventId): Set<EventId> => {
    const known = chains.get(id);
    if (known !== undefined) return known;
    const chain = new Set<EventId>();
    for (const parent of authEventIds(at(id).pdu)) {
      chain.add(parent);
      for (const ancestor of authChain(parent)) chain.add(ancestor);
    }
    chains.set(id, chain);
    return chain;
  };

  // Unconflicted state map and conflicted state set.
  const keys = new Set(states.flatMap((state) => [...state.keys()]));
  const unconflicted = new Map<StateKey, EventId>();
  const conflicted = new Set<EventId>();
  for (const key of keys) {
    const values = states.map((state) => state.get(key));
    const [first] = values;
    if (first !== undefined && values.every((value) => value === first)) unconflicted.set(key, first);
    else for (const value of values) if (value !== undefined) conflicted.add(value);
  }
  if (conflicted.size === 0) return unconflicted;

  // Auth difference: the union of the full auth chains without their intersection.
  const fullChains = states.map((state) => new Set([...state.values()].flatMap((id) => [...authChain(id)])));
  const union = new Set(fullChains.flatMap((chain) => [...chain]));
  const difference = [...union].filter((id) => !fullChains.every((chain) => chain.has(id)));

  // Conflicted state subgraph: an event on a path from one conflicted event to another.
  const subgraph = (is21 ? [...events.keys()] : []).filter((id) =>
    [...conflicted].some((from) =>
      [...conflicted].some(
        (to) =>
          from !== to && (from === id || authChain(from).has(id)) && (to === id || authChain(id).has(to)),
      ),
    ),
  );
  const full = new Set([...conflicted, ...difference, ...subgraph]);

  const isPower = ({ pdu: { type, sender, state_key: target, content } }: RoomEvent) =>
    type === 'm.room.power_levels' ||
    type === 'm.room.join_rules' ||
    (type === 'm.room.member' &&
      ['leave', 'ban'].includes(content.membership as string) &&
      sender !== target);

  const ownAuthState =
    (event: RoomEvent): StateLookup =>
    (type, key) => {
      if (type === 'm.room.create' && rules.createEventImpliedByRoomId) return at('$create' as EventId);
      return authEventIds(event.pdu)
        .map(at)
        .find(({ pdu, rejected }) => pdu.type === type && pdu.state_key === key && !rejected);
    };
  const byTime = (one: RoomEvent, other: RoomEvent) =>
    one.pdu.origin_server_ts - other.pdu.origin_server_ts || (one.eventId < other.eventId ? -1 : 1);
  const senderLevel = (event: RoomEvent) => powerLevelOf(event.pdu.sender, ownAuthState(event), rules);
  const byPower = (one: RoomEvent, other: RoomEvent) => {
    const [level, otherLevel] = [senderLevel(one), senderLevel(other)];
    return level === otherLevel ? byTime(one, other) : otherLevel > level ? 1 : -1;
  };

  // Step 1: the set X, then the smallest event that has no ancestor left, again and again.
  const powerEvents = [...full].filter((id) => isPower(at(id)));
  const chosen = new Set([
    ...powerEvents,
    ...powerEvents.flatMap((id) => [...authChain(id)].filter((one) => full.has(one))),
  ]);
  const left = new Set(chosen);
  const powerList: RoomEvent[] = [];
  while (left.size > 0) {
    const free = [...left].filter((id) => ![...authChain(id)].some((ancestor) => left.has(ancestor))).map(at);
    const [smallest] = free.sort(byPower);
    if (smallest === undefined) throw new Error('a cycle');
    powerList.push(smallest);
    left.delete(smallest.eventId);
  }

  // Iterative auth checks.
  const state = new Map<StateKey, EventId>(is21 ? [] : unconflicted);
  const apply = (list: readonly RoomEvent[]) => {
    for (const event of list) {
      const context = new Map<StateKey, RoomEvent>();
      for (const [type, key] of [...authTypesForEvent(event.pdu, rules), ['m.room.create', ''] as const]) {
        const id = state.get(stateKey(type, key));
        const found = id === undefined ? ownAuthState(event)(type, key) : at(id);
        if (found !== undefined) context.set(stateKey(type, key), found);
      }
      const rejection = authorizeEvent(event, (type, key) => context.get(stateKey(type, key)), rules);
      if (rejection === undefined)
        state.set(stateKey(event.pdu.type, event.pdu.state_key ?? ''), event.eventId);
    }
  };
  apply(powerList);

  // Steps 3 and 4: the mainline of the resolved power levels.
  const citedPowerLevels = (event: RoomEvent) =>
    authEventIds(event.pdu)
      .map(at)
      .find(({ pdu }) => pdu.type === 'm.room.power_levels' && pdu.state_key === '');
  const lineOf = (start: RoomEvent | undefined): RoomEvent[] =>
    start === undefined ? [] : [start, ...lineOf(citedPowerLevels(start))];
  const resolvedLevels = state.get(stateKey('m.room.power_levels', ''));
  const mainline = lineOf(resolvedLevels === undefined ? undefined : at(resolvedLevels));
  const position = (event: RoomEvent) => {
    const met = lineOf(citedPowerLevels(event)).find((one) => mainline.includes(one));
    return met === undefined ? Infinity : mainline.indexOf(met);
  };
  const rest = [...full].filter((id) => !chosen.has(id)).map(at);
  rest.sort((one, other) => {
    const [place, otherPlace] = [position(one), position(other)];
    return place === otherPlace ? byTime(one, other) : otherPlace > place ? 1 : -1;
  });
  apply(rest);

  // Step 5.
  return new Map([...state, ...unconflicted]);
}
