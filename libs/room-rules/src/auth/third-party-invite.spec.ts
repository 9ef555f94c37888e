import { describe, expect, it } from '@jest/globals';
import { supportedRoomVersions } from '../room-version-rules.js';
import { authorizeEvent } from './authorize-event.js';
import { thirdParty } from './rule-number.spec-support.js';
import {
  PUBLIC_KEY,
  redeem,
  signatureOf,
  stored,
  stranger,
  TARGET,
} from './third-party-cases.spec-support.js';
import { TestRoom } from './test-room.spec-support.js';

describe.each(supportedRoomVersions)('third-party invites in room version $version', (rules) => {
  it('tries a bounded number of signatures', () => {
    const room = new TestRoom(rules);
    const signature = signatureOf(stranger.privateKey);
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`ed25519:${index}`, signature]),
    );
    const keys = Array.from({ length: 400 }, () => ({ public_key: PUBLIC_KEY }));
    const event = room.event(redeem({ signed: { mxid: TARGET, token: 'token', signatures: { a: many } } }));
    const start = performance.now();
    const answer = authorizeEvent(event, room.lookup(stored({ public_keys: keys })), rules);
    expect(answer?.rule).toBe(thirdParty('8')(Number(rules.version)));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
