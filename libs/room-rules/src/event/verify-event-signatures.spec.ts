import { describe, expect, it } from '@jest/globals';
import { generateSigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomId, ServerName, UserId } from '@atoll/matrix';
import { rulesOf, type RoomVersionRules } from '../room-version-rules.js';
import { buildEvent, signEvent } from './build-event.js';
import { requiredSigners } from './required-signers.js';
import {
  signingKeyIds,
  verifyEventSignatures,
  type KeyLookup,
  type VerifyKey,
} from './verify-event-signatures.js';

const v10 = rulesOf('10') as RoomVersionRules;
const v11 = rulesOf('11') as RoomVersionRules;
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

async function memberEvent(content: JsonObject, rules = v11): Promise<Pdu> {
  const draft = {
    ...{ type: 'm.room.member', room_id: '!r:alpha.org' as RoomId, sender: '@a:alpha.org' as UserId },
    ...{ state_key: '@a:alpha.org', content, origin_server_ts: NOW, depth: 2 },
    ...{ prev_events: ['$p' as EventId], auth_events: ['$a' as EventId] },
  };
  return (await buildEvent(draft, rules, alpha, alphaKey)).pdu;
}
const check = (pdu: Pdu, keys: KeyLookup = keysOf(), rules = v11) =>
  verifyEventSignatures(pdu, rules, keys, NOW);
const signedBy = (pdu: Pdu, signatures: Pdu['signatures']): Pdu => ({ ...pdu, signatures });

describe('verifyEventSignatures', () => {
  it('accepts a valid signature and says which key made it', async () => {
    const pdu = await memberEvent({ membership: 'join' });
    expect(requiredSigners(pdu, v11)).toEqual([alpha]);
    expect(signingKeyIds(pdu, alpha)).toEqual([alphaKey.keyId]);
    expect(await check(pdu)).toBeUndefined();
  });

  it('misses a signature of the sender’s server, whoever else signed', async () => {
    const pdu = await memberEvent({ membership: 'join' });
    const byBeta = await signEvent(signedBy(pdu, {}), v11, beta, betaKey);
    expect(await check(byBeta)).toEqual({ server: alpha, reason: 'missing' });
    const foreign = signedBy(pdu, { [alpha]: byBeta.signatures[beta] ?? {} });
    expect(await check(foreign, () => ({ publicKey: alphaKey.publicKey }))).toEqual({
      server: alpha,
      reason: 'invalid',
    });
  });

  it('ignores unknown algorithms and keys, but not one wrong signature by a known key', async () => {
    const pdu = await memberEvent({ membership: 'join' });
    const good = pdu.signatures[alpha] ?? {};
    const more = { 'rsa:1': 'x', 'ed25519:unknown': 'AAAA', ...good };
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
  });

  it.each<[string, Partial<VerifyKey>, boolean]>([
    ['valid until just then', { validUntilTs: NOW }, true],
    ['valid until just before', { validUntilTs: NOW - 1 }, false],
    ['retired just then', { expiredTs: NOW }, true],
    ['retired just before', { expiredTs: NOW - 1 }, false],
    ['retired before, in a response still valid', { expiredTs: NOW - 1, validUntilTs: NOW + DAY }, false],
  ])('measures the key by the event’s time: %s', async (_name, times, usable) => {
    const problem = await check(await memberEvent({ membership: 'join' }), keysOf(times));
    expect(problem).toEqual(usable ? undefined : { server: alpha, reason: 'no_usable_key' });
  });

  it('trusts no key further than seven days ahead', async () => {
    const pdu = await memberEvent({ membership: 'join' });
    const keys = keysOf({ validUntilTs: NOW + 3650 * DAY });
    expect(await verifyEventSignatures(pdu, v11, keys, NOW - 7 * DAY)).toBeUndefined();
    expect((await verifyEventSignatures(pdu, v11, keys, NOW - 7 * DAY - 1))?.reason).toBe('no_usable_key');
  });

  it('wants the server that authorised a restricted join', async () => {
    const pdu = await memberEvent({ membership: 'join', join_authorised_via_users_server: '@b:beta.org' });
    expect(requiredSigners(pdu, v11)).toEqual([alpha, beta]);
    expect(await check(pdu)).toEqual({ server: beta, reason: 'missing' });
    expect(await check(await signEvent(pdu, v11, beta, betaKey))).toBeUndefined();
  });

  it.each([7, null, 'nonsense', {}, ''])('lets nobody authorise as %j', async (authoriser) => {
    const pdu = await memberEvent({ membership: 'join', join_authorised_via_users_server: authoriser });
    expect((await check(pdu, () => ({ publicKey: alphaKey.publicKey })))?.reason).toBe('missing');
  });

  it('needs no signature of the sender’s server on a third-party invite', async () => {
    const content = { membership: 'invite', third_party_invite: { signed: { token: 't' } } };
    const invite = signedBy(await memberEvent(content), {});
    expect(requiredSigners(invite, v11)).toEqual([]);
    expect(await check(invite)).toBeUndefined();
    expect((await check({ ...invite, content: { ...content, membership: 'join' } }))?.reason).toBe('missing');
  });

  it('is not fooled into an unsigned ordinary invite by a third-party invite with a wrong hash', async () => {
    const content = { membership: 'invite', third_party_invite: { signed: { token: 't' } } };
    const forged = { ...signedBy(await memberEvent(content, v10), {}), hashes: { sha256: 'AAAA' } };
    expect(await check(forged, keysOf(), v10)).toEqual({ server: alpha, reason: 'missing' });
    const notKept = await memberEvent({ membership: 'invite', third_party_invite: 'x' });
    expect((await check({ ...signedBy(notKept, {}), hashes: { sha256: 'AAAA' } }))?.reason).toBe('missing');
  });

  it('looks only at own properties', async () => {
    const pdu = signedBy(await memberEvent({ membership: 'join' }), {});
    const sender = '@a:constructor' as UserId;
    expect((await check({ ...pdu, sender }))?.reason).toBe('missing');
  });
});
