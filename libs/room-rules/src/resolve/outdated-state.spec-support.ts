import type { EventId, JsonObject, RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { HistoryRoom } from './history-room.spec-support.js';

const ALICE = '@alice:a';
const BOB = '@bob:b';
const CHARLIE = '@charlie:c';

export const LEVELS = stateKey('m.room.power_levels', '');
export const TOPIC = stateKey('m.room.topic', '');

/** MSC4297's problem B, and what a test asks about it. */
export interface OutdatedState {
  readonly states: readonly [right: StateMap, outdated: StateMap];
  readonly events: ReadonlyMap<EventId, RoomEvent>;
  /** Alice's first power levels, those in which she promotes Bob, those in which he promotes Charlie. */
  readonly levels: readonly [EventId, EventId, EventId];
  readonly topics: readonly [EventId, EventId];
}

/**
 * Alice promotes Bob, who promotes Charlie, who sets two topics, one after the other. The state at the second came from a
 * peer who had old power levels in it, although Charlie's topic is based on the new ones: both states have seen them all.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4297
 */
export function outdatedState(rules: RoomVersionRules): OutdatedState {
  const room = new HistoryRoom(rules);
  const state = (type: string, sender: string, content: JsonObject, key = '') =>
    room.add({ type, key, sender, content }).eventId;
  const own: JsonObject = rules.privilegedCreators ? {} : { [ALICE]: 100 };
  state('m.room.create', ALICE, rules.creatorInContent ? { creator: ALICE } : {});
  state('m.room.member', ALICE, { membership: 'join' }, ALICE);
  const first = state('m.room.power_levels', ALICE, { users: own });
  state('m.room.join_rules', ALICE, { join_rule: 'public' });
  for (const user of [BOB, CHARLIE]) state('m.room.member', user, { membership: 'join' }, user);
  const second = state('m.room.power_levels', ALICE, { users: { ...own, [BOB]: 50 } });
  const third = state('m.room.power_levels', BOB, { users: { ...own, [BOB]: 50, [CHARLIE]: 50 } });
  const oldTopic = state('m.room.topic', CHARLIE, { topic: 'old' });
  const right = room.stateBack(0);
  const newTopic = state('m.room.topic', CHARLIE, { topic: 'new' });
  const outdated = new Map<StateKey, EventId>([...room.stateBack(0), [LEVELS, first]]);
  if (room.rejected.length > 0) throw new Error('all of it is allowed');
  return {
    states: [right, outdated],
    events: room.events,
    levels: [first, second, third],
    topics: [oldTopic, newTopic],
  };
}
