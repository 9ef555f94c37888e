import { describe, expect, it } from '@jest/globals';
import {
  authEventIds,
  type EventId,
  type Pdu,
  type RoomEvent,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { stateKey, type StateKey } from '../state-map.js';
import { authChainOf } from './auth-chain.js';
import { eventsNeededForResolution } from './conflicted-state.js';
import { resolveState } from './resolve-state.js';

const CREATOR = '@creator:a';
const MEMBERS = 10_000;
const DEPTH = 20_000;

describe.each(supportedRoomVersions)('large rooms of version $version', (rules) => {
  const events = new Map<EventId, RoomEvent>();
  const put = (
    id: string,
    type: string,
    key: string,
    sender: string,
    content: Pdu['content'],
    auth: string[],
  ) => {
    const eventId = id as EventId;
    const pdu: Pdu = {
      type,
      sender: sender as UserId,
      state_key: key,
      content,
      origin_server_ts: events.size,
      depth: 1,
      prev_events: (type === 'm.room.create' ? [] : ['$create']) as EventId[],
      auth_events: auth.filter((one) => one !== '$create' || !rules.createEventImpliedByRoomId) as EventId[],
      hashes: { sha256: '' },
      signatures: {},
    };
    const roomId = '!create' as RoomId;
    events.set(eventId, { eventId, roomId, pdu, rejected: false });
    return [stateKey(type, key), eventId] as const;
  };
  const room = new Map<StateKey, EventId>([
    put('$create', 'm.room.create', '', CREATOR, { creator: CREATOR }, []),
    put('$creator', 'm.room.member', CREATOR, CREATOR, { membership: 'join' }, ['$create']),
    put('$levels', 'm.room.power_levels', '', CREATOR, {}, ['$create', '$creator']),
    put('$rules', 'm.room.join_rules', '', CREATOR, { join_rule: 'public' }, [
      '$create',
      '$creator',
      '$levels',
    ]),
  ]);
  const userOf = (index: number) => `@user${index}:b`;
  const join = (id: string, index: number, auth: string[]) =>
    put(id, 'm.room.member', userOf(index), userOf(index), { membership: 'join' }, [
      '$create',
      '$levels',
      '$rules',
      ...auth,
    ]);
  for (let index = 0; index < MEMBERS; index++) room.set(...join(`$join${index}`, index, []));

  it('resolves 10,000 keys of which 100 are in conflict', () => {
    const [one, other] = [new Map(room), new Map(room)];
    for (let index = 0; index < 100; index++) {
      one.set(...join(`$one${index}`, index, [`$join${index}`]));
      other.set(...join(`$other${index}`, index, [`$join${index}`]));
    }
    const needed = eventsNeededForResolution([one, other]);
    expect(needed.length).toBe(203);
    const resolved = resolveState([one, other], events, rules);
    expect(resolved.size).toBe(room.size);
    expect(resolved.get(stateKey('m.room.member', userOf(7)))).toBe('$other7');
  });

  it('walks an auth chain of any depth without recursion', () => {
    let last = '$join0';
    for (let index = 0; index < DEPTH; index++) {
      join(`$again${index}`, 0, [last]);
      last = `$again${index}`;
    }
    expect(authChainOf([last as EventId], events).size).toBeGreaterThan(DEPTH);
    const later = new Map(room).set(stateKey('m.room.member', userOf(0)), last as EventId);
    const resolved = resolveState([room, later], events, rules);
    expect(resolved.get(stateKey('m.room.member', userOf(0)))).toBe(last);
  });

  it('takes the edges of unconflicted events from authEventsOf and never loads those events', () => {
    const asked = new Set<EventId>();
    const get = (id: EventId) => {
      asked.add(id);
      return events.get(id);
    };
    const authEventsOf = (id: EventId) => {
      const event = events.get(id);
      return event && authEventIds(event.pdu);
    };
    const one = new Map(room).set(...join('$one', 0, ['$join0']));
    expect(resolveState([one, room], { get, authEventsOf }, rules).size).toBe(room.size);
    expect(asked.size).toBeLessThan(10);
  });

  it('needs nothing when the states agree', () => {
    expect(eventsNeededForResolution([room, new Map(room)])).toEqual([]);
    expect(resolveState([room, new Map(room)], { get: () => undefined }, rules).size).toBe(room.size);
    expect(resolveState([], { get: () => undefined }, rules).size).toBe(0);
  });
});
