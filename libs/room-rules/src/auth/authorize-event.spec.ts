import { describe, expect, it } from '@jest/globals';
import { supportedRoomVersions } from '../room-version-rules.js';
import type { AuthCase } from './auth-case.spec-support.js';
import { authorizeEvent } from './authorize-event.js';
import { acceptedEvents, rejectedEvents } from './event-cases.spec-support.js';
import { acceptedMembers, rejectedMembers } from './member-cases.spec-support.js';
import { acceptedPowerLevels, rejectedPowerLevels } from './power-level-cases.spec-support.js';
import { TestRoom } from './test-room.spec-support.js';

const rejected = [...rejectedEvents, ...rejectedMembers, ...rejectedPowerLevels];
const accepted = [...acceptedEvents, ...acceptedMembers, ...acceptedPowerLevels];
const VERSIONS = ['10', '11', '12'];
/** Rules that other specs answer: about `auth_events` themselves, and third-party invites, which need real signatures. */
const ELSEWHERE = /AuthEvent$|^thirdPartyInvite(?!Level)/;

describe.each(supportedRoomVersions.filter(({ version }) => VERSIONS.includes(version)))(
  'authorisation rules of room version $version',
  (rules) => {
    const column = VERSIONS.indexOf(rules.version);
    const ofVersion = (cases: readonly AuthCase[]) =>
      cases
        .map((one) => ({ ...one, number: one.rule[column] ?? '-' }))
        .filter(({ number }) => number !== '-');

    it.each(ofVersion(rejected))('rule $number rejects: $what', ({ event, state, number }) => {
      const room = new TestRoom(rules);
      expect(authorizeEvent(room.event(event), room.lookup(state), rules)?.rule).toBe(number);
    });

    it.each(ofVersion(accepted))('rule $number allows: $what', ({ event, state }) => {
      const room = new TestRoom(rules);
      expect(authorizeEvent(room.event(event), room.lookup(state), rules)).toBeUndefined();
    });

    it('has a rejecting case for every rule that the version numbers', () => {
      const covered = new Set(ofVersion(rejected).map(({ number }) => number));
      const numbered = Object.entries(rules.authRules).filter(([name]) => !ELSEWHERE.test(name));
      expect(numbered.filter(([, { rule }]) => !covered.has(rule))).toEqual([]);
      expect(numbered.length).toBeGreaterThan(35);
    });

    it('numbers no rule twice', () => {
      const numbers = Object.values(rules.authRules).map(({ rule }) => rule);
      expect(new Set(numbers).size).toBe(numbers.length);
    });
  },
);
