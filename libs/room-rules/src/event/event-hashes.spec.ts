import { describe, expect, it } from '@jest/globals';
import { parseSigningKey } from '@atoll/event-crypto';
import type { JsonObject, Pdu, RoomEvent, RoomId, ServerName } from '@atoll/matrix';
import { supportedRoomVersions } from '../room-version-rules.js';
import { signEvent } from './build-event.js';
import {
  contentHash,
  essentialJson,
  eventIdOf,
  eventIdOfHash,
  hasValidContentHash,
  referenceHash,
  referenceTo,
  roomIdOf,
} from './event-hashes.js';
import { redactEvent } from './redact-event.js';
import { eventJson, exactly, rulesFor, versions } from './test-event.spec-support.js';

/** The key of the specification's vectors. @see https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors */
const key = parseSigningKey('ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');
const domain = 'domain' as ServerName;

const minimal = {
  ...{ room_id: '!x:domain', sender: '@a:domain', origin: 'domain', origin_server_ts: 1000000 },
  ...{ signatures: {}, hashes: {}, type: 'X', content: {}, prev_events: [], auth_events: [], depth: 3 },
  unsigned: { age_ts: 1000000 },
} as unknown as Pdu;
const redactable = {
  content: { body: 'Here is the message content' },
  ...{ event_id: '$0:domain', origin: 'domain', origin_server_ts: 1000000, type: 'm.room.message' },
  ...{ room_id: '!r:domain', sender: '@u:domain', signatures: {}, unsigned: { age_ts: 1000000 } },
} as unknown as Pdu;
const vectors: [Pdu, string, string][] = [
  [
    minimal,
    '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
    'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
  ],
  [
    redactable,
    'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
    'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
  ],
];

const create = {
  ...{ type: 'm.room.create', sender: '@a:domain', state_key: '', content: { room_version: '12' }, depth: 1 },
  ...{ origin_server_ts: 1, prev_events: [], auth_events: [], hashes: { sha256: 'h' }, signatures: {} },
} as unknown as Pdu;

/** What `hashlib.sha256` of Python says about its `json.dumps` of the same content. */
const FLOATS: [JsonObject, string][] = [
  [{ a: exactly('1.0') }, 'JnyK+SMRo0QWxxua2gYCfjhuhvufah1ptO4EOH6gmjg'],
  [
    { a: exactly('1e16'), b: [exactly('-0.0'), exactly('0.00001')] },
    '/knbvndIR+uXUsTxjCd/vfPqdjiXD2blmRTaqSNU1zs',
  ],
  [
    { a: exactly('123456789012345678901234567890'), b: 0.1, '10': exactly('1E2'), '9': '\u{1f600}' },
    'A1BthSZ6x3NQvphWoeutShjyr+c45YROPYHUQoRpLBc',
  ],
];

describe('the specification’s vectors', () => {
  it.each(vectors)(
    'agree on hash and signature of event %# until room version 10',
    async (event, hash, signature) => {
      for (const rules of versions(1, 10)) {
        expect(contentHash(event, rules)).toBe(hash);
        const signed = await signEvent({ ...event, hashes: { sha256: hash } }, rules, domain, key);
        expect(signed.signatures).toEqual({ domain: { 'ed25519:1': signature } });
      }
    },
  );

  it.each(vectors)('agree on the hash of event %# in all others', async (event, hash, signature) => {
    for (const rules of versions(11, 12)) {
      expect(contentHash(event, rules)).toBe(hash);
      // Redaction takes `origin` there, which the vectors have.
      const signed = await signEvent({ ...event, hashes: { sha256: hash } }, rules, domain, key);
      expect(signed.signatures['domain']).not.toEqual({ 'ed25519:1': signature });
    }
  });
});

describe.each(supportedRoomVersions)('the content hash in room version $version', (rules) => {
  it('knows a changed content, hash or neither', () => {
    const event = { ...redactable, hashes: { sha256: contentHash(redactable, rules) } };
    expect(hasValidContentHash(event, rules)).toBe(true);
    expect(hasValidContentHash({ ...event, unsigned: {}, signatures: { x: {} } }, rules)).toBe(true);
    expect(hasValidContentHash({ ...event, hashes: { sha256: `${event.hashes.sha256}=` } }, rules)).toBe(
      true,
    );
    expect(hasValidContentHash({ ...event, content: { body: 'x' } }, rules)).toBe(false);
    expect(hasValidContentHash({ ...event, extra: 1 }, rules)).toBe(false);
    expect(hasValidContentHash({ ...event, event_id: '$1:domain' as RoomEvent['eventId'] }, rules)).toBe(
      false,
    );
    for (const sha256 of ['', '!', event.hashes.sha256.slice(1), event.hashes.sha256.replace('/', '_')]) {
      expect(hasValidContentHash({ ...event, hashes: { sha256 } }, rules)).toBe(false);
    }
  });
});

describe('numbers', () => {
  it.each(FLOATS)('enter hashes until room version 5 as Python writes them: %#', (content, hash) => {
    for (const rules of versions(1, 5)) {
      expect(contentHash({ content } as unknown as Pdu, rules)).toBe(hash);
    }
    for (const rules of versions(6, 12)) {
      expect(() => contentHash({ content } as unknown as Pdu, rules)).toThrow('is not an integer within');
    }
  });

  it('of power levels are essential', () => {
    for (const rules of versions(1, 5)) {
      const levels = (ban: string) =>
        eventJson(rules, { type: 'm.room.power_levels', content: { ban: exactly(ban), x: exactly('7e1') } });
      const essential = essentialJson(levels('5e1') as unknown as Pdu, rules);
      expect(essential).toContain('"content":{"ban":50.0}');
      expect(essentialJson(levels('50.0') as unknown as Pdu, rules)).toBe(essential);
      expect(essentialJson(levels('50') as unknown as Pdu, rules)).not.toBe(essential);
    }
  });
});

describe('event ids', () => {
  it.each(supportedRoomVersions)('belong to a redacted copy as well in room version $version', (rules) => {
    const event = eventJson(rules) as unknown as Pdu;
    const id = eventIdOf(event, rules);
    expect(eventIdOf(redactEvent(event, rules), rules)).toBe(id);
    expect(eventIdOf({ ...event, signatures: { x: {} }, unsigned: {} }, rules)).toBe(id);
    expect(eventIdOf({ ...event, content: {}, extra: true }, rules)).toBe(id);
    expect(eventIdOf({ ...event, depth: 7 }, rules) === id).toBe(rules.eventIds === 'chosen');
  });

  it('are what the event says in 1 and 2, and nothing else', () => {
    for (const rules of versions(1, 2)) {
      expect(eventIdOf(redactable, rules)).toBe('$0:domain');
      expect(() => eventIdOf(minimal, rules)).toThrow('event_id');
      const event = { eventId: '$0:domain', pdu: redactable } as RoomEvent;
      const sha256 = referenceHash(redactable, rules).toString('base64').replace('=', '');
      expect(referenceTo(event, rules)).toEqual(['$0:domain', { sha256 }]);
    }
  });

  it('are the reference hash in standard Base64 in 3, and in the URL-safe alphabet from 4 on', () => {
    const hash = Buffer.alloc(32, 0xff);
    expect(eventIdOfHash(hash, rulesFor('3'))).toBe(`$${'/'.repeat(42)}8`);
    expect(eventIdOfHash(Buffer.alloc(32, 0xfb), rulesFor('3'))).toMatch(/^\$[+/][A-Za-z0-9+/]{42}$/);
    const ids = versions(3, 10).map((rules) => eventIdOf(redactable, rules));
    const [ofVersion3, ...others] = ids;
    expect(ofVersion3).toMatch(/^\$[A-Za-z0-9+/]{43}$/);
    expect(new Set(others).size).toBe(1);
    expect(others[0]).toBe(ofVersion3?.replaceAll('+', '-').replaceAll('/', '_'));
    for (const rules of versions(4, 12)) {
      expect(eventIdOfHash(hash, rules)).toBe(`$${'_'.repeat(42)}8`);
      expect(referenceTo({ eventId: '$x', pdu: redactable } as RoomEvent, rules)).toBe('$x');
    }
    expect(eventIdOf(redactable, rulesFor('11'))).not.toBe(others[0]);
  });

  it('cover a meaningless event_id from 3 on', () => {
    for (const rules of versions(3, 12)) {
      const other = { ...redactable, event_id: '$other' as RoomEvent['eventId'] };
      expect(eventIdOf(other, rules)).not.toBe(eventIdOf(redactable, rules));
    }
  });
});

describe('rooms', () => {
  const v12 = rulesFor('12');

  it('of version 12 are named by their create event', () => {
    expect(roomIdOf(create, v12)).toBe(`!${referenceHash(create, v12).toString('base64url')}`);
    expect(roomIdOf(create, v12)).toBe(eventIdOf(create, v12).replace('$', '!'));
    expect(roomIdOf({ ...create, room_id: '!victim' as RoomId }, v12)).not.toBe('!victim');
  });

  it('of all other events are what they say', () => {
    expect(roomIdOf(minimal, v12)).toBe('!x:domain');
    for (const rules of versions(1, 11)) {
      expect(roomIdOf({ ...create, room_id: '!y:domain' as RoomId }, rules)).toBe('!y:domain');
      expect(() => roomIdOf(create, rules)).toThrow('room_id');
    }
  });
});
