import { describe, expect, it } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import type { JsonObject, Pdu, ServerName, UserId } from '@atoll/matrix';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { signEvent } from './build-event.js';
import { hasValidContentHash } from './event-hashes.js';
import { redactEvent } from './redact-event.js';
import { eventJson, exactly, foreignEvent, parsed, rulesFor, versions } from './test-event.spec-support.js';
import {
  signingKeyIds,
  verifyEventSignatures,
  type KeyLookup,
  type VerifyKey,
} from './verify-event-signatures.js';

const NOW = Date.UTC(2026, 0, 1);
const DAY = 24 * 3_600_000;
const alpha = 'alpha.org' as ServerName;
const beta = 'beta.org' as ServerName;
const alphaKey = generateSigningKey();
const betaKey = generateSigningKey();

const keysOf =
  (times: Partial<VerifyKey> = {}): KeyLookup =>
  (server, keyId) => {
    const key = server === alpha ? alphaKey : betaKey;
    return keyId === key.keyId ? { publicKey: key.publicKey, ...times } : undefined;
  };

/** A member event of alpha, signed by alpha. */
function member(rules: RoomVersionRules, content: JsonObject, more: JsonObject = {}): Promise<Pdu> {
  const json = { type: 'm.room.member', state_key: '@a:alpha.org', origin_server_ts: NOW, content, ...more };
  return foreignEvent(JSON.stringify(eventJson(rules, json)), rules, [[alpha, alphaKey]]);
}
const signedBy = (pdu: Pdu, signatures: Pdu['signatures']): Pdu => ({ ...pdu, signatures });

describe.each(supportedRoomVersions)('verifyEventSignatures in room version $version', (rules) => {
  const check = (pdu: Pdu, keys: KeyLookup = keysOf(), now = NOW) =>
    verifyEventSignatures(pdu, rules, keys, now);

  it('accepts a valid signature, of the whole event and of its redacted form', async () => {
    const pdu = await member(rules, { membership: 'join', displayname: 'A' });
    expect(signingKeyIds(pdu, alpha)).toEqual([alphaKey.keyId]);
    expect(await check(pdu)).toBeUndefined();
    expect(await check(redactEvent(pdu, rules))).toBeUndefined();
    expect(await check({ ...pdu, unsigned: { age: 1 } })).toBeUndefined();
  });

  it('misses a signature of the sender’s server, whoever else signed', async () => {
    const pdu = await member(rules, { membership: 'join' });
    const byBeta = await signEvent(signedBy(pdu, {}), rules, beta, betaKey);
    expect(await check(byBeta)).toEqual({ server: alpha, reason: 'missing' });
    const foreign = signedBy(pdu, { [alpha]: byBeta.signatures[beta] ?? {} });
    expect(await check(foreign, () => ({ publicKey: alphaKey.publicKey }))).toEqual({
      server: alpha,
      reason: 'invalid',
    });
  });

  it('ignores unknown algorithms and keys, but not one wrong signature by a known key', async () => {
    const pdu = await member(rules, { membership: 'join' });
    const good = pdu.signatures[alpha] ?? {};
    const more = { 'rsa:1': 'x', 'ED25519:1': 'x', ed25519: 'x', 'ed25519:unknown': 'AAAA', ...good };
    expect(await check(signedBy(pdu, { [alpha]: more, 'evil.org': { 'ed25519:1': '?' } }))).toBeUndefined();
    expect(await check(signedBy(pdu, { [alpha]: { 'rsa:1': 'x' } }))).toEqual({
      server: alpha,
      reason: 'missing',
    });
    const unknown = signedBy(pdu, { [alpha]: { 'ed25519:unknown': 'AAAA' } });
    expect(await check(unknown)).toEqual({ server: alpha, reason: 'no_usable_key' });
    const alsoWrong = signedBy(pdu, { [alpha]: { ...good, 'ed25519:second': good[alphaKey.keyId] ?? '' } });
    const secondKnown: KeyLookup = (server, keyId) =>
      keyId === 'ed25519:second' ? { publicKey: betaKey.publicKey } : keysOf()(server, keyId);
    expect(await check(alsoWrong, secondKnown)).toEqual({ server: alpha, reason: 'invalid' });
    const secondExpired: KeyLookup = (server, keyId) =>
      keyId === 'ed25519:second'
        ? { publicKey: betaKey.publicKey, expiredTs: NOW - 1 }
        : keysOf()(server, keyId);
    expect(await check(alsoWrong, secondExpired)).toBeUndefined();
  });

  it('accepts several valid signatures of one server', async () => {
    const pdu = await member(rules, { membership: 'join' });
    const second = generateSigningKey();
    const twice = await signEvent(pdu, rules, alpha, second);
    expect(signingKeyIds(twice, alpha)).toEqual([alphaKey.keyId, second.keyId]);
    const keys = new Map([alphaKey, second].map((key) => [key.keyId, { publicKey: key.publicKey }]));
    expect(await check(twice, (_server, keyId) => keys.get(keyId))).toBeUndefined();
  });

  it.each(['', 'AAAA', '!', '\ud800', 'A'.repeat(86), 'A'.repeat(60_000)])(
    'knows garbage for a signature: %#',
    async (garbage) => {
      const pdu = await member(rules, { membership: 'join' });
      expect(await check(signedBy(pdu, { [alpha]: { [alphaKey.keyId]: garbage } }))).toEqual({
        server: alpha,
        reason: 'invalid',
      });
    },
  );

  it.each<[string, Partial<VerifyKey>, boolean | 'before 5']>([
    ['valid until just then', { validUntilTs: NOW }, true],
    ['valid until just before', { validUntilTs: NOW - 1 }, 'before 5'],
    ['never valid', { validUntilTs: 0 }, 'before 5'],
    ['retired just then', { expiredTs: NOW }, true],
    ['retired just before', { expiredTs: NOW - 1 }, false],
    ['retired before, in a response still valid', { expiredTs: NOW - 1, validUntilTs: NOW + DAY }, false],
  ])('measures the key by the event’s time: %s', async (_name, times, usable) => {
    const problem = await check(await member(rules, { membership: 'join' }), keysOf(times));
    const isUsable = usable === 'before 5' ? Number(rules.version) < 5 : usable;
    expect(problem).toEqual(isUsable ? undefined : { server: alpha, reason: 'no_usable_key' });
  });

  it('trusts no key further than seven days ahead from 5 on', async () => {
    const pdu = await member(rules, { membership: 'join' });
    const keys = keysOf({ validUntilTs: NOW + 3650 * DAY });
    expect(await check(pdu, keys, NOW - 7 * DAY)).toBeUndefined();
    const later = await check(pdu, keys, NOW - 7 * DAY - 1);
    expect(later?.reason).toBe(Number(rules.version) < 5 ? undefined : 'no_usable_key');
  });

  it('needs no signature of the sender’s server on a third-party invite, nor its key', async () => {
    const content = { membership: 'invite', third_party_invite: { signed: { token: 't' } } };
    const invite = await member(
      rules,
      content,
      rules.eventIds === 'chosen' ? { event_id: '$e:beta.org' } : {},
    );
    const problem = await check(signedBy(invite, {}));
    // The event id's server signs all the same.
    expect(problem).toEqual(rules.eventIds === 'chosen' ? { server: beta, reason: 'missing' } : undefined);
    const signed = await signEvent(signedBy(invite, {}), rules, beta, betaKey);
    expect(await check(signed)).toBeUndefined();
    const join = { ...signed, content: { ...content, membership: 'join' } };
    expect((await check(join))?.server).toBe(alpha);
  });

  it('is not fooled into an unsigned ordinary invite by a third-party invite with a wrong hash', async () => {
    const kept = Number(rules.version) >= 11;
    const content = { membership: 'invite', third_party_invite: kept ? 'x' : { signed: { token: 't' } } };
    const forged = { ...signedBy(await member(rules, content), {}), hashes: { sha256: 'AAAA' } };
    expect(await check(forged)).toEqual({ server: alpha, reason: 'missing' });
    expect(redactEvent(forged, rules).content).toEqual({ membership: 'invite' });
  });

  it('looks only at own properties', async () => {
    const pdu = signedBy(await member(rules, { membership: 'join' }), {});
    for (const server of ['constructor', 'valueOf', 'toString', 'hasOwnProperty']) {
      const sender = `@a:${server}` as UserId;
      expect((await check({ ...pdu, sender }))?.reason).toBe('missing');
      expect(signingKeyIds(pdu, server as ServerName)).toEqual([]);
    }
    const signed = await signEvent(
      { ...pdu, sender: '@a:constructor' as UserId },
      rules,
      'constructor' as ServerName,
      alphaKey,
    );
    expect(Object.keys(signed.signatures)).toEqual(['constructor']);
  });
});

describe('the event id’s server in room versions 1 and 2', () => {
  it.each(versions(1, 2))('signs as well: $version', async (rules) => {
    const pdu = await member(rules, { membership: 'join' }, { event_id: '$e:beta.org' });
    expect(await verifyEventSignatures(pdu, rules, keysOf(), NOW)).toEqual({
      server: beta,
      reason: 'missing',
    });
    const both = await signEvent(pdu, rules, beta, betaKey);
    expect(await verifyEventSignatures(both, rules, keysOf(), NOW)).toBeUndefined();
    const { [alpha]: _alpha, ...betaOnly } = both.signatures;
    expect(await verifyEventSignatures(signedBy(both, betaOnly), rules, keysOf(), NOW)).toEqual({
      server: alpha,
      reason: 'missing',
    });
    const other = { ...both, event_id: '$other:beta.org' as NonNullable<Pdu['event_id']> };
    expect((await verifyEventSignatures(other, rules, keysOf(), NOW))?.reason).toBe('invalid');
  });
});

describe('the authoriser’s server', () => {
  const restricted = { membership: 'join', join_authorised_via_users_server: '@b:beta.org' };

  it.each(versions(8, 12))('signs a restricted join in room version $version', async (rules) => {
    const pdu = await member(rules, restricted);
    const check = (event: Pdu) => verifyEventSignatures(event, rules, keysOf(), NOW);
    expect(await check(pdu)).toEqual({ server: beta, reason: 'missing' });
    const both = await signEvent(pdu, rules, beta, betaKey);
    expect(await check(both)).toBeUndefined();
    expect(await check(redactEvent(both, rules))).toBeUndefined();
  });

  it('cannot be put into a join of room version 8, whose redaction drops it', async () => {
    const rules = rulesFor('8');
    const pdu = await member(rules, { membership: 'join' });
    const changed = { ...pdu, content: restricted };
    expect(await verifyEventSignatures(changed, rules, keysOf(), NOW)).toBeUndefined();
    expect(hasValidContentHash(changed, rules)).toBe(false);
    expect(redactEvent(changed, rules)).toEqual(redactEvent(pdu, rules));
  });

  it.each([7, null, 'nonsense', {}, ''])('is nobody’s who is called %j', async (authoriser) => {
    const rules = rulesFor('11');
    const pdu = await member(rules, { membership: 'join', join_authorised_via_users_server: authoriser });
    const everyone = () => ({ publicKey: alphaKey.publicKey });
    expect((await verifyEventSignatures(pdu, rules, everyone, NOW))?.reason).toBe('missing');
  });
});

describe.each(versions(1, 5))('numbers under signatures in room version $version', (rules) => {
  const levels = {
    users: { '@a:alpha.org': exactly('1e2') },
    ban: exactly('50.0'),
    kick: exactly('12345678901234567890'),
  };
  const event = eventJson(rules, {
    ...{ type: 'm.room.power_levels', state_key: '', content: levels, depth: exactly('9223372036854775807') },
    ...{ origin_server_ts: exactly('9007199254740993'), origin: exactly('0.10') },
  });
  const signed = () => foreignEvent(JSON.stringify(event), rules, [[alpha, alphaKey]]);
  const check = (pdu: Pdu, keys = keysOf()) => verifyEventSignatures(pdu, rules, keys, NOW);

  it('verify, also after storage, in another notation, and of a redacted copy', async () => {
    const text = JSON.stringify(await signed());
    const pdu = parsed(text, rules);
    expect(await check(pdu)).toBeUndefined();
    expect(hasValidContentHash(pdu, rules)).toBe(true);
    expect(await check(parsed(JSON.stringify(pdu), rules))).toBeUndefined();
    expect(await check(redactEvent(pdu, rules))).toBeUndefined();
    const otherwise = parsed(text.replace('50.0', '5.0E+1').replace('1e2', '100.00'), rules);
    expect(await check(otherwise)).toBeUndefined();
    expect(hasValidContentHash(otherwise, rules)).toBe(true);
  });

  it.each([
    ['50.0', '50'],
    ['50.0', '50.000000000001'],
    ['1e2', '100'],
    ['12345678901234567890', '12345678901234567891'],
    ['12345678901234567890', '12345678901234567890.0'],
    ['9223372036854775807', '9223372036854775806'],
    ['9007199254740993', '9007199254740992'],
    ['0.1', '0.11'],
  ])('do not verify once %s is %s', async (before, after) => {
    const text = JSON.stringify(await signed()).replace(before, after);
    expect((await check(parsed(text, rules)))?.reason).toBe('invalid');
  });

  it('measure keys by the nearest time', async () => {
    const pdu = parsed(JSON.stringify(await signed()), rules);
    expect(await check(pdu, keysOf({ expiredTs: 2 ** 53 }))).toBeUndefined();
    expect((await check(pdu, keysOf({ expiredTs: 2 ** 53 - 1 })))?.reason).toBe('no_usable_key');
  });
});
