import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue, Pdu } from '@atoll/matrix';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { contentHash } from './event-hashes.js';
import { redactEvent } from './redact-event.js';
import { requiredSigners } from './required-signers.js';
import { eventJson, versions } from './test-event.spec-support.js';

const THIRD_PARTY = { membership: 'invite', third_party_invite: { signed: { token: 't' } } };
const RESTRICTED = { membership: 'join', join_authorised_via_users_server: '@b:beta.org' };

/** A member event with a right content hash; its id names a third server where ids name servers. */
function member(content: JsonObject, rules: RoomVersionRules, more: JsonObject = {}): Pdu {
  const ids = rules.eventIds === 'chosen' ? { event_id: '$e:gamma.org' } : {};
  const json = { type: 'm.room.member', state_key: '@a:alpha.org', content, ...ids, ...more };
  const pdu = eventJson(rules, json) as unknown as Pdu;
  return { ...pdu, hashes: { sha256: contentHash(pdu, rules) } };
}
const withWrongHash = (pdu: Pdu): Pdu => ({ ...pdu, hashes: { sha256: 'A'.repeat(43) } });
const withId = (rules: RoomVersionRules, ...servers: string[]) =>
  rules.eventIds === 'chosen' ? [...servers, 'gamma.org'] : servers;

describe.each(supportedRoomVersions)('requiredSigners in room version $version', (rules) => {
  const namesAuthoriser = Number(rules.version) >= 8;

  it('wants the sender’s server, and the event id’s where ids have one', () => {
    expect(requiredSigners(member({ membership: 'join' }, rules), rules)).toEqual(withId(rules, 'alpha.org'));
    const sameServer = { event_id: '$e:alpha.org', sender: '@z:alpha.org' };
    expect(requiredSigners(member({}, rules, sameServer), rules)).toEqual(['alpha.org']);
    const withPort = member({}, rules, { sender: '@a:b:alpha.org:8448', event_id: '$e:alpha.org:8448' });
    expect(requiredSigners(withPort, rules)).toContain('b:alpha.org:8448');
  });

  it('wants nobody who is named anywhere else', () => {
    const content = { ...RESTRICTED, sender: '@x:x.org', origin: 'x.org' };
    const message = member(content, rules, {
      type: 'm.room.message',
      origin: 'x.org',
      state_key: '@x:x.org',
    });
    expect(requiredSigners(message, rules)).toEqual(withId(rules, 'alpha.org'));
  });

  it('wants the server that authorised a restricted join from 8 on', () => {
    const signers = namesAuthoriser ? ['alpha.org', 'beta.org'] : withId(rules, 'alpha.org');
    expect(requiredSigners(member(RESTRICTED, rules), rules)).toEqual(signers);
    const leave = member({ ...RESTRICTED, membership: 'leave' }, rules);
    expect(requiredSigners(leave, rules)).toEqual(signers);
  });

  it('asks the redacted form of a restricted join with a wrong content hash', () => {
    const join = withWrongHash(member(RESTRICTED, rules));
    const keepsAuthoriser = Number(rules.version) >= 9;
    const signers = keepsAuthoriser ? ['alpha.org', 'beta.org'] : withId(rules, 'alpha.org');
    expect(requiredSigners(join, rules)).toEqual(signers);
    expect(requiredSigners(redactEvent(join, rules), rules)).toEqual(signers);
  });

  it.each<[JsonValue, string]>([
    [7, ''],
    [null, ''],
    [{}, ''],
    ['', ''],
    ['nonsense', 'nonsense'],
    ['@b:constructor', 'constructor'],
  ])('makes nobody of the authoriser %j', (authoriser, server) => {
    const join = member({ membership: 'join', join_authorised_via_users_server: authoriser }, rules);
    const signers = requiredSigners(join, rules);
    expect(signers).toEqual(namesAuthoriser ? ['alpha.org', server] : withId(rules, 'alpha.org'));
  });

  it('wants nobody but the event id’s server on a third-party invite', () => {
    expect(requiredSigners(member(THIRD_PARTY, rules), rules)).toEqual(withId(rules));
    for (const more of [{ membership: 'join' }, { third_party_invite: undefined }]) {
      const other = member({ ...THIRD_PARTY, ...more }, rules);
      expect(requiredSigners(other, rules)).toEqual(withId(rules, 'alpha.org'));
    }
    const message = member(THIRD_PARTY, rules, { type: 'm.room.message' });
    expect(requiredSigners(message, rules)).toEqual(withId(rules, 'alpha.org'));
  });

  it('asks the redacted form of a third-party invite with a wrong content hash', () => {
    const invite = withWrongHash(member(THIRD_PARTY, rules));
    const keepsProof = Number(rules.version) >= 11;
    expect(requiredSigners(invite, rules)).toEqual(keepsProof ? [] : withId(rules, 'alpha.org'));
    expect(requiredSigners(redactEvent(invite, rules), rules)).toEqual(requiredSigners(invite, rules));
    const notKept = withWrongHash(member({ membership: 'invite', third_party_invite: 'x' }, rules));
    expect(requiredSigners(notKept, rules)).toEqual(withId(rules, 'alpha.org'));
  });

  it('is not misled by prototypes', () => {
    const text =
      '{"membership":"invite","__proto__":{"third_party_invite":{},"join_authorised_via_users_server":"@b:b"}}';
    const content = JSON.parse(text) as JsonObject;
    expect(requiredSigners(member(content, rules), rules)).toEqual(withId(rules, 'alpha.org'));
  });
});

it('a third-party invite that names an authoriser needs his server all the same', () => {
  for (const rules of versions(8, 12)) {
    const invite = member({ ...THIRD_PARTY, join_authorised_via_users_server: '@b:beta.org' }, rules);
    expect(requiredSigners(invite, rules)).toEqual(['beta.org']);
  }
});
