import { describe, expect, it } from '@jest/globals';
import { parseSigningKey } from '@atoll/event-crypto';
import type { Pdu, RoomId, ServerName } from '@atoll/matrix';
import { rulesOf, type RoomVersionRules } from '../room-version-rules.js';
import { signEvent } from './build-event.js';
import {
  contentHash,
  eventIdOf,
  hasValidContentHash,
  referenceHash,
  roomIdOf,
  roomIdOfCreateEvent,
} from './event-hashes.js';
import { redactEvent } from './redact-event.js';

const v10 = rulesOf('10') as RoomVersionRules;
const v11 = rulesOf('11') as RoomVersionRules;
const v12 = rulesOf('12') as RoomVersionRules;

/** The key of the specification's vectors. @see https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors */
const key = parseSigningKey('ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');
const domain = 'domain' as ServerName;

const minimal = {
  ...{
    room_id: '!x:domain',
    sender: '@a:domain',
    origin: 'domain',
    origin_server_ts: 1000000,
    signatures: {},
  },
  ...{
    hashes: {},
    type: 'X',
    content: {},
    prev_events: [],
    auth_events: [],
    depth: 3,
    unsigned: { age_ts: 1000000 },
  },
} as unknown as Pdu;
const redactable = {
  content: { body: 'Here is the message content' },
  ...{ event_id: '$0:domain', origin: 'domain', origin_server_ts: 1000000, type: 'm.room.message' },
  ...{ room_id: '!r:domain', sender: '@u:domain', signatures: {}, unsigned: { age_ts: 1000000 } },
} as unknown as Pdu;

const create = {
  ...{ type: 'm.room.create', sender: '@a:domain', state_key: '', content: { room_version: '12' }, depth: 1 },
  ...{ origin_server_ts: 1, prev_events: [], auth_events: [], hashes: { sha256: 'h' }, signatures: {} },
} as unknown as Pdu;

describe('event hashes', () => {
  it.each([
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
  ])('and signatures agree with the specification on vector %#', async (event, hash, signature) => {
    expect(contentHash(event)).toBe(hash);
    const signed = await signEvent({ ...event, hashes: { sha256: hash } }, v10, domain, key);
    expect(signed.signatures).toEqual({ domain: { 'ed25519:1': signature } });
  });

  it('know a changed content, hash or neither', () => {
    const event = { ...redactable, hashes: { sha256: contentHash(redactable) } };
    expect(hasValidContentHash(event)).toBe(true);
    expect(hasValidContentHash({ ...event, unsigned: {}, signatures: { x: {} } })).toBe(true);
    expect(hasValidContentHash({ ...event, hashes: { sha256: `${event.hashes.sha256}=` } })).toBe(true);
    expect(hasValidContentHash({ ...event, content: { body: 'x' } })).toBe(false);
    expect(hasValidContentHash({ ...event, extra: 1 })).toBe(false);
    for (const sha256 of ['', '!', event.hashes.sha256.slice(1), event.hashes.sha256.replace('/', '_')]) {
      expect(hasValidContentHash({ ...event, hashes: { sha256 } })).toBe(false);
    }
  });

  it('give a redacted copy the same event id', () => {
    const id = eventIdOf(redactable, v11);
    expect(id).toMatch(/^\$[A-Za-z0-9_-]{43}$/);
    expect(eventIdOf(redactEvent(redactable, v11), v11)).toBe(id);
    expect(eventIdOf({ ...redactable, signatures: { x: {} }, unsigned: {} }, v11)).toBe(id);
    expect(eventIdOf({ ...redactable, depth: 7 }, v11)).not.toBe(id);
    expect(eventIdOf(redactable, v10)).not.toBe(id);
  });

  it('name the room of a version 12 create event', () => {
    expect(roomIdOfCreateEvent(create, v12)).toBe(`!${referenceHash(create, v12)}`);
    expect(roomIdOf(create, v12)).toBe(eventIdOf(create, v12).replace('$', '!'));
    expect(roomIdOf({ ...create, room_id: '!victim' as RoomId }, v12)).not.toBe('!victim');
  });

  it('take the room of other events from the event', () => {
    expect(roomIdOf(minimal, v12)).toBe('!x:domain');
    expect(roomIdOf({ ...create, room_id: '!y:domain' as RoomId }, v11)).toBe('!y:domain');
    expect(() => roomIdOf(create, v11)).toThrow('room_id');
  });
});
