import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { signedBytes } from '@atoll/event-crypto';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { ADMIN, type AuthCase, MOD } from './auth-case.spec-support.js';
import { member } from './member-case.spec-support.js';
import { thirdParty } from './rule-number.spec-support.js';
import type { StateChanges } from './test-room.spec-support.js';

export const TARGET = '@new:two';
export const identityServer = generateKeyPairSync('ed25519');
export const stranger = generateKeyPairSync('ed25519');

const base64Of = (key: KeyObject) =>
  Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
const urlSafe = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
export const PUBLIC_KEY = base64Of(identityServer.publicKey);
const STRANGE_KEY = base64Of(stranger.publicKey);

const SIGNED = { mxid: TARGET, token: 'token' };

export function signatureOf(key: KeyObject, content: JsonObject = SIGNED): string {
  return sign(null, signedBytes(content), key).toString('base64').replaceAll('=', '');
}
function signedBy(key: KeyObject, keyId = 'ed25519:0', content: JsonObject = SIGNED): JsonObject {
  return { ...content, signatures: { 'identity.example': { [keyId]: signatureOf(key, content) } } };
}

export const stored = (content: JsonObject, sender = MOD): StateChanges => [
  ['m.room.third_party_invite', 'token', { sender, content }],
];
const GOOD = signedBy(identityServer.privateKey);
const STATE = stored({ public_key: PUBLIC_KEY });

export const redeem = (invite: JsonValue, target = TARGET) =>
  member(MOD, target, 'invite', { third_party_invite: invite });

const one = (
  rule: string,
  what: string,
  signed: JsonValue,
  state: StateChanges = STATE,
  target?: string,
): AuthCase => ({
  rule: thirdParty(rule),
  what: `third-party invite, ${what}`,
  event: redeem({ signed }, target),
  state,
});

export const rejectedThirdPartyInvites: readonly AuthCase[] = [
  one('1', 'a banned target', GOOD, STATE, '@banned:two'),
  ...([{}, null, 'signed', { signed: null }, { signed: [] }, { signed: 'x' }] as const).map(
    (invite): AuthCase => ({
      rule: thirdParty('2'),
      what: `third-party invite, ${JSON.stringify(invite)}`,
      event: redeem(invite as JsonValue),
      state: STATE,
    }),
  ),
  one('3', 'no token', { mxid: TARGET }),
  one('3', 'no mxid', { token: 'token' }),
  one('3', 'nothing signed', {}),
  one('4', 'another mxid', GOOD, STATE, '@left:two'),
  one('5', 'an unknown token', GOOD, []),
  one(
    '5',
    'a token of another invite',
    signedBy(identityServer.privateKey, undefined, { ...SIGNED, token: 'x' }),
  ),
  one('6', 'another sender', GOOD, stored({ public_key: PUBLIC_KEY }, ADMIN)),
  one('8', 'no signatures', SIGNED),
  one('8', 'signatures that are none', { ...SIGNED, signatures: { a: 1, b: { 'ed25519:0': 2 } } }),
  one('8', 'a signature of a stranger', signedBy(stranger.privateKey)),
  one('8', 'a signed part changed later', { ...GOOD, more: true }),
  one('8', 'a signed part without canonical form', { ...GOOD, more: 1.5 }),
  one('8', 'an unknown algorithm', signedBy(identityServer.privateKey, 'rsa:0')),
  one('8', 'no keys', GOOD, stored({})),
  one(
    '8',
    'keys of others',
    GOOD,
    stored({ public_key: STRANGE_KEY, public_keys: [{ public_key: STRANGE_KEY }] }),
  ),
  one('8', 'keys that are garbage', GOOD, stored({ public_key: 'x', public_keys: [1, {}, null] })),
  one('8', 'a list of keys that is none', GOOD, stored({ public_keys: { public_key: PUBLIC_KEY } })),
];

export const acceptedThirdPartyInvites: readonly AuthCase[] = [
  one('7.1', 'a key in public_key', GOOD),
  one('7.1', 'a URL-safe key without padding', GOOD, stored({ public_key: urlSafe(PUBLIC_KEY) })),
  one('7.1', 'a key without padding', GOOD, stored({ public_key: PUBLIC_KEY.replaceAll('=', '') })),
  one('7.1', 'one good signature among bad ones', {
    ...SIGNED,
    signatures: {
      'a.example': { 'ed25519:0': signatureOf(stranger.privateKey), 'ed25519:1': 'x' },
      'b.example': { 'ed25519:0': signatureOf(identityServer.privateKey) },
    },
  }),
  // Whoever may send the invite is not looked at again.
  {
    ...one('7.1', 'a sender who has left', GOOD),
    event: { ...redeem({ signed: GOOD }), sender: '@left:two' },
    state: stored({ public_key: PUBLIC_KEY }, '@left:two'),
  },
  one(
    '7.1',
    'a target who is joined',
    signedBy(identityServer.privateKey, undefined, { ...SIGNED, mxid: '@user:two' }),
    STATE,
    '@user:two',
  ),
  one('7.2', 'a key in public_keys', GOOD, stored({ public_keys: [{ public_key: PUBLIC_KEY }] })),
  one(
    '7.2',
    'a URL-safe key in public_keys',
    GOOD,
    stored({
      public_key: STRANGE_KEY,
      public_keys: [{ public_key: STRANGE_KEY }, { public_key: urlSafe(PUBLIC_KEY) }],
    }),
  ),
];
