import { describe, expect, it } from '@jest/globals';
import { supportedRoomVersions } from '../room-version-rules.js';
import { acceptedCases, rejectedCases } from './all-cases.spec-support.js';
import { casesOf } from './auth-case.spec-support.js';
import { authorizeEvent } from './authorize-event.js';
import { outlineOf } from './page-outline.spec-support.js';
import { TestRoom } from './test-room.spec-support.js';

describe.each(supportedRoomVersions)('authorisation rules of room version $version', (rules) => {
  const { version } = rules;
  const onlyRejects = new Set(outlineOf(Number(version)).rejects);
  const accepted = casesOf(acceptedCases, version).map((one) => ({
    ...one,
    verb: onlyRejects.has(one.number) ? 'lets pass' : 'allows',
  }));

  it.each(casesOf(rejectedCases, version))('rule $number rejects: $what', ({ event, state, number }) => {
    const room = new TestRoom(rules);
    expect(authorizeEvent(room.event(event), room.lookup(state), rules)?.rule).toBe(number);
  });

  it.each(accepted)('rule $number $verb: $what', ({ event, state }) => {
    const room = new TestRoom(rules);
    expect(authorizeEvent(room.event(event), room.lookup(state), rules)).toBeUndefined();
  });
});
