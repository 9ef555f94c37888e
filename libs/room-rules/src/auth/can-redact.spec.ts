import { describe, expect, it } from '@jest/globals';
import type { EventId } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { canRedact, mayRedact } from './can-redact.js';
import { powerLevelsIn } from './power-levels.js';
import { CREATOR, type StateChanges, TestRoom } from './test-room.spec-support.js';

const redactAt = (redact: number | undefined): StateChanges => [
  ['m.room.power_levels', '', { content: { users: { '@admin:one': 90, '@mod:two': 50 }, redact } }],
];

describe.each(supportedRoomVersions)('redactions in room version $version', (rules) => {
  const room = new TestRoom(rules);
  const isJudgedBefore = rules.version === '1' || rules.version === '2';

  it.each<[sender: string, of: string, applied: boolean, state: StateChanges]>([
    ['@user:two', '@user:two', true, []],
    ['@user:two', '@mod:two', true, []],
    ['@user:two', '@admin:one', false, []],
    ['@mod:two', '@admin:one', false, []],
    ['@mod:two', '@x:two:8448', false, []],
    ['@admin:one', '@user:two', true, []],
    ['@mod:two', '@admin:one', true, redactAt(50)],
    ['@mod:two', '@admin:one', false, redactAt(51)],
    ['@mod:two', '@admin:one', true, redactAt(undefined)],
  ])('redaction by %s of an event of %s is applied: %s', (sender, of, applied, state) => {
    const redaction = room.event({ type: 'm.room.redaction', sender });
    const answer = canRedact(redaction, room.event({ sender: of }), room.lookup(state), rules);
    expect(answer).toBe(isJudgedBefore || applied);
  });

  it('goes by the creator’s level where there are no power levels', () => {
    const redaction = room.event({ type: 'm.room.redaction', sender: CREATOR });
    const state = room.lookup([['m.room.power_levels', '', undefined]]);
    expect(canRedact(redaction, room.event({ sender: '@user:two' }), state, rules)).toBe(true);
    const other = room.event({ type: 'm.room.redaction', sender: '@admin:one' });
    expect(canRedact(other, room.event({ sender: '@user:two' }), state, rules)).toBe(isJudgedBefore);
  });

  it('applies no redaction to an event of another room', () => {
    const redaction = room.event({ type: 'm.room.redaction' });
    expect(canRedact(redaction, room.event({ room_id: '!elsewhere' }), room.lookup(), rules)).toBe(false);
  });
});

describe('rule 11 of room versions 1 and 2', () => {
  const rules = supportedRoomVersions.filter(({ version }) => version === '1' || version === '2');

  it.each<[eventId: string, redacts: string | undefined, allowed: boolean]>([
    ['$a:two', '$b:two', true],
    ['$a:two', '$b:one', false],
    ['$a:two:8448', '$b:two:8448', true],
    ['$a:two', '$b:two:8448', false],
    ['$a:[::1]', '$b:[::1]', true],
    ['$a:two', '$b', false],
    ['$a:two', 'two', false],
    ['$a:two', undefined, false],
  ])('%s may redact %s below the redact level: %s', (eventId, redacts, allowed) => {
    for (const rulesOfVersion of rules) {
      const room = new TestRoom(rulesOfVersion);
      const sketch = { type: 'm.room.redaction', sender: '@user:two' };
      const redaction = room.event(redacts === undefined ? sketch : { ...sketch, redacts });
      const levels = powerLevelsIn(room.lookup(), rulesOfVersion);
      expect(mayRedact({ ...redaction, eventId: eventId as EventId }, levels)).toBe(allowed);
    }
  });
});
