import { describe, expect, it } from '@jest/globals';
import { supportedRoomVersions } from '../room-version-rules.js';
import { acceptedCases, rejectedCases } from './all-cases.spec-support.js';
import { casesOf } from './auth-case.spec-support.js';
import { acceptedAuthEvents, rejectedAuthEvents, selectedFor } from './auth-events-cases.spec-support.js';
import { authorizeEvent } from './authorize-event.js';
import { checkAuthEvents } from './check-auth-events.js';
import { outlineOf } from './page-outline.spec-support.js';
import { authoriserSignature, powerLevels, type RuleOf } from './rule-number.spec-support.js';
import { acceptedSignatures, rejectedSignatures } from './signature-cases.spec-support.js';
import { TestRoom } from './test-room.spec-support.js';

describe.each(supportedRoomVersions)('cases of room version $version', (rules) => {
  const { version } = rules;
  const { allows, rejects, both } = outlineOf(Number(version));
  const leaves = new Set([...allows, ...rejects, ...both]);
  /** Versions 1 to 9 ask for power levels that are levels outside of the numbered rules. */
  const wholeRule = powerLevels(Number(version));
  /** Checked with the signatures, by the library's `event` part, so that it is no rule of `auth`. */
  const checkedElsewhere = authoriserSignature(Number(version));

  const numbersOf = (...tables: readonly (readonly { readonly rule: RuleOf }[])[]) =>
    new Set(tables.flatMap((table) => casesOf(table, version)).map(({ number }) => number));
  const rejected = numbersOf(rejectedCases, rejectedAuthEvents, rejectedSignatures);
  const accepted = numbersOf(acceptedCases, acceptedAuthEvents);
  const numbered = new Set(Object.values(rules.authRules).map(({ rule }) => rule));
  const missingFrom = (there: ReadonlySet<string>, wanted: Iterable<string>) =>
    [...wanted].filter((number) => !there.has(number));

  it('reject by every item of the page that rejects', () => {
    expect(missingFrom(rejected, [...rejects, ...both])).toEqual([]);
  });

  it('pass by every item of the page that allows', () => {
    expect(missingFrom(accepted, [...allows, ...both])).toEqual([]);
  });

  it('are named by items of the page', () => {
    const others = missingFrom(leaves, [...rejected, ...accepted]);
    expect(others).toEqual(Number(version) < 10 ? [wholeRule] : []);
    const signatures = missingFrom(leaves, numbersOf(acceptedSignatures));
    expect(signatures).toEqual(Number(version) < 8 ? ['before'] : []);
  });

  it('find in the library every item of the page that rejects, and no other', () => {
    const unnumbered = missingFrom(numbered, [...rejects, ...both]);
    expect(unnumbered).toEqual(Number(version) < 8 ? [] : [checkedElsewhere]);
    const mayReject = new Set([...rejects, ...both]);
    expect(missingFrom(mayReject, numbered)).toEqual(Number(version) < 10 ? [wholeRule] : []);
  });

  it('see every answer of the library, by its name', () => {
    const answers = new Set([
      ...casesOf(rejectedCases, version).map(({ event, state }) => {
        const room = new TestRoom(rules);
        return authorizeEvent(room.event(event), room.lookup(state), rules);
      }),
      ...casesOf(rejectedAuthEvents, version).map(({ event: sketch, change }) => {
        const room = new TestRoom(rules);
        const event = room.event(sketch);
        return checkAuthEvents(event, change(selectedFor(event, room), room), rules);
      }),
    ]);
    const unseen = Object.entries(rules.authRules).filter(([, answer]) => !answers.has(answer));
    expect(unseen.map(([name]) => name)).toEqual([]);
  });

  it('have names that differ', () => {
    for (const table of [rejectedCases, acceptedCases, rejectedAuthEvents, acceptedAuthEvents]) {
      const names = casesOf<{ what: string; rule: RuleOf }>(table, version).map(
        ({ number, what }) => `${number} ${what}`,
      );
      expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    }
  });

  it('number no rule of the library twice, but those that stand on no page', () => {
    const numbers = Object.values(rules.authRules).map(({ rule }) => rule);
    const twice = numbers.filter((number, index) => numbers.indexOf(number) !== index);
    expect(twice).toEqual(Number(version) < 10 ? [wholeRule] : []);
  });
});
