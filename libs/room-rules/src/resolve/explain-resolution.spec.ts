import { describe, expect, it } from '@jest/globals';
import { rulesOf, supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey } from '../state-map.js';
import { explainResolution, type ExplainedKey } from './explain-resolution.js';
import { LEVELS, outdatedState, TOPIC } from './outdated-state.spec-support.js';
import { resolveState } from './resolve-state.js';

const explained = (version: string) => {
  const problem = outdatedState(rulesOf(version) as RoomVersionRules);
  const { states, events } = problem;
  const { state, keys } = explainResolution(states, events, rulesOf(version) as RoomVersionRules);
  const of = (key: StateKey) => keys.find((one) => one.key === key) as ExplainedKey;
  return { ...problem, state, keys, of };
};
const inShort = ({ steps }: ExplainedKey) =>
  steps.map(({ eventId, phase, rejection }) => [phase, eventId, rejection?.rule]);

describe('states of which one has outdated power levels (problem B of MSC4297)', () => {
  it.each(['2', '6', '11'])('resets them in room version %s, and says by which rule', (version) => {
    const { levels, topics, of, state } = explained(version);
    const [first, , third] = levels;
    const sendLevel = rulesOf(version)?.authRules.sendLevel.rule;
    expect(state.get(LEVELS)).toBe(first);
    expect(of(LEVELS)).toMatchObject({ held: [third, first], outcome: first, because: 'last-allowed' });
    expect(inShort(of(LEVELS))).toEqual([
      ['power', first, undefined],
      ['power', third, sendLevel],
    ]);
    expect(of(TOPIC)).toMatchObject({ held: topics, outcome: undefined, because: 'none-allowed' });
    expect(inShort(of(TOPIC)).map(([, , rule]) => rule)).toEqual([sendLevel, sendLevel]);
  });

  it('resets nothing in room version 12: what lies between is replayed too', () => {
    const { levels, topics, of, state } = explained('12');
    expect(state.get(LEVELS)).toBe(levels[2]);
    expect(state.get(TOPIC)).toBe(topics[1]);
    expect(inShort(of(LEVELS))).toEqual(levels.map((id) => ['power', id, undefined]));
    expect(of(TOPIC)).toMatchObject({ outcome: topics[1], because: 'last-allowed' });
  });

  it('goes by age in room version 1', () => {
    const { levels, topics, of, state } = explained('1');
    const [first, , third] = levels;
    expect(state.get(LEVELS)).toBe(first);
    expect(of(LEVELS)).toMatchObject({ held: [third, first], because: 'oldest' });
    expect(inShort(of(LEVELS))).toEqual([['m.room.power_levels', third, '8']]);
    expect(of(TOPIC)).toMatchObject({ outcome: topics[0], because: 'oldest' });
  });
});

describe.each(supportedRoomVersions)('explanation in room version $version', (rules) => {
  const { states, events } = outdatedState(rules);

  it('comes to the same state, and leaves out what no state doubts', () => {
    const { state, keys } = explainResolution(states, events, rules);
    expect([...state].sort()).toEqual([...resolveState(states, events, rules)].sort());
    expect(keys.map(({ key }) => key)).not.toContain(stateKey('m.room.create', ''));
    for (const { key, outcome } of keys) expect(outcome).toBe(state.get(key));
  });

  it('has nothing to say where the states agree', () => {
    expect(explainResolution([states[0], states[0]], events, rules).keys).toEqual([]);
  });
});
