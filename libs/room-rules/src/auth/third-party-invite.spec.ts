import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { signedBytes } from '@atoll/event-crypto';
import type { JsonObject } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { authorizeEvent } from './authorize-event.js';
import { type StateChanges, TestRoom } from './test-room.spec-support.js';

const TARGET = '@new:two';
const identityServer = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');

const base64Of = (key: KeyObject) =>
  Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
const PUBLIC_KEY = base64Of(identityServer.publicKey);

function signedBy(
  key: KeyObject,
  content: JsonObject = { mxid: TARGET, token: 'token' },
  keyId = 'ed25519:0',
): JsonObject {
  const signature = sign(null, signedBytes(content), key).toString('base64').replaceAll('=', '');
  return { ...content, signatures: { 'identity.example': { [keyId]: signature } } };
}

const stored = (content: JsonObject, sender = '@mod:two'): StateChanges => [
  ['m.room.third_party_invite', 'token', { sender, content }],
];
const GOOD = signedBy(identityServer.privateKey);
const STATE = stored({ public_key: PUBLIC_KEY });

interface Case {
  readonly what: string;
  readonly rule: string | undefined;
  readonly invite: JsonObject[string];
  readonly target?: string;
  readonly state?: StateChanges;
}

const cases: readonly Case[] = [
  { what: 'a key in public_key', rule: undefined, invite: { signed: GOOD } },
  {
    what: 'a URL-safe key in public_keys',
    rule: undefined,
    invite: { signed: GOOD },
    state: stored({
      public_key: base64Of(stranger.publicKey),
      public_keys: [{ public_key: Buffer.from(PUBLIC_KEY, 'base64').toString('base64url') }],
    }),
  },
  { what: 'a banned target', rule: '1', invite: { signed: GOOD }, target: '@banned:two' },
  { what: 'no signed', rule: '2', invite: {} },
  { what: 'an invite that is null', rule: '2', invite: null },
  { what: 'no token', rule: '3', invite: { signed: { mxid: TARGET } } },
  { what: 'no mxid', rule: '3', invite: { signed: { token: 'token' } } },
  { what: 'another mxid', rule: '4', invite: { signed: GOOD }, target: '@left:two' },
  { what: 'an unknown token', rule: '5', invite: { signed: GOOD }, state: [] },
  {
    what: 'another sender',
    rule: '6',
    invite: { signed: GOOD },
    state: stored({ public_key: PUBLIC_KEY }, '@admin:one'),
  },
  { what: 'no signatures', rule: '8', invite: { signed: { mxid: TARGET, token: 'token' } } },
  { what: 'a signature of a stranger', rule: '8', invite: { signed: signedBy(stranger.privateKey) } },
  { what: 'a signed part changed later', rule: '8', invite: { signed: { ...GOOD, more: true } } },
  { what: 'a signed part without canonical form', rule: '8', invite: { signed: { ...GOOD, more: 1.5 } } },
  {
    what: 'an unknown algorithm',
    rule: '8',
    invite: { signed: signedBy(identityServer.privateKey, undefined, 'rsa:0') },
  },
  {
    what: 'keys that are garbage',
    rule: '8',
    invite: { signed: GOOD },
    state: stored({ public_key: 'x', public_keys: [1, {}] }),
  },
];

describe.each(supportedRoomVersions)('third-party invites in room version $version', (rules) => {
  const section = rules.version === '12' ? '5.4.1' : '4.4.1';

  it.each(cases)(`rule ${section}.$rule: $what`, ({ invite, target = TARGET, state = STATE, rule }) => {
    const room = new TestRoom(rules);
    const content = { membership: 'invite', third_party_invite: invite };
    const event = room.event({ type: 'm.room.member', sender: '@mod:two', state_key: target, content });
    const expected = rule === undefined ? undefined : `${section}.${rule}`;
    expect(authorizeEvent(event, room.lookup(state), rules)?.rule).toBe(expected);
  });

  it('tries a bounded number of signatures', () => {
    const room = new TestRoom(rules);
    const { signatures } = signedBy(stranger.privateKey) as {
      signatures: Record<string, Record<string, string>>;
    };
    const [signature = ''] = Object.values(signatures['identity.example'] ?? {});
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`ed25519:${index}`, signature]),
    );
    const keys = Array.from({ length: 400 }, () => ({ public_key: PUBLIC_KEY }));
    const content = {
      membership: 'invite',
      third_party_invite: { signed: { mxid: TARGET, token: 'token', signatures: { a: many } } },
    };
    const event = room.event({ type: 'm.room.member', sender: '@mod:two', state_key: TARGET, content });
    const start = performance.now();
    const answer = authorizeEvent(event, room.lookup(stored({ public_keys: keys })), rules);
    expect(answer?.rule).toBe(`${section}.8`);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
