import { parseSigningKey, type SigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, ServerName } from '@atoll/matrix';
import { signEvent } from '../event/build-event.js';
import { contentHash, eventIdOf, roomIdOf } from '../event/event-hashes.js';
import { withPlainNumbers } from '../event/parse-event.js';
import { eventJson, exactly, foreignEvent, parsed } from '../event/test-event.spec-support.js';
import type { KeyLookup } from '../event/verify-event-signatures.js';
import type { RoomVersionRules } from '../room-version-rules.js';

/** An event as its servers signed it. */
export interface Original {
  readonly text: string;
  readonly pdu: Pdu;
}

const alpha = 'alpha.org' as ServerName;
const beta = 'beta.org' as ServerName;
const ALICE = '@alice:alpha.org';
const BOB = '@bob:beta.org';
const alphaKey = parseSigningKey('ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');
/** The server of the one who changes events. */
export const EVIL = 'evil.org' as ServerName;
const betaKey = parseSigningKey(`ed25519 2 ${'B'.repeat(42)}A`);
const evilKey = parseSigningKey(`ed25519 3 ${'E'.repeat(42)}A`);

const keys = new Map<string, SigningKey>([
  [`${alpha} ${alphaKey.keyId}`, alphaKey],
  [`${beta} ${betaKey.keyId}`, betaKey],
  [`${EVIL} ${evilKey.keyId}`, evilKey],
]);

/** The keys of the three servers that have any. */
export const keyFor: KeyLookup = (server, keyId) => {
  const key = keys.get(`${server} ${keyId}`);
  return key && { publicKey: key.publicKey };
};

type Sketch = readonly [JsonObject, signers: 'alpha' | 'beta' | 'both' | 'none'];

/** Events of every kind that redaction, signatures or authorisation treat in a way of its own. */
export async function originalsOf(rules: RoomVersionRules): Promise<Original[]> {
  const originals: Original[] = [];
  let roomId: RoomId | undefined;
  for (const [index, [sketch, signers]] of sketches(rules).entries()) {
    const isCreate = sketch['type'] === 'm.room.create';
    const room = rules.roomIdIsCreateEventId && { room_id: isCreate ? undefined : roomId };
    const json = eventJson(rules, { ...common(index, rules), ...sketch, ...room });
    const servers: Record<typeof signers, [ServerName, SigningKey][]> = {
      alpha: [[alpha, alphaKey]],
      beta: [[beta, betaKey]],
      both: [
        [alpha, alphaKey],
        [beta, betaKey],
      ],
      none: [],
    };
    const signed = await foreignEvent(JSON.stringify(json), rules, servers[signers]);
    const text = JSON.stringify({ ...signed, unsigned: { age: 5 } });
    const pdu = parsed(text, rules);
    if (isCreate) roomId = roomIdOf(pdu, rules);
    originals.push({ text, pdu });
  }
  return originals;
}

/** The event that rules work on. */
export function toRoomEvent(pdu: Pdu, rules: RoomVersionRules): RoomEvent {
  const ids = { eventId: eventIdOf(pdu, rules), roomId: roomIdOf(pdu, rules) };
  return { ...ids, pdu: withPlainNumbers(pdu, rules), rejected: false };
}

/** What whoever changes an event can do: hash it anew, and sign it with the key of his own server. */
export function forged(pdu: Pdu, rules: RoomVersionRules): Promise<Pdu> {
  return signEvent({ ...pdu, hashes: { sha256: contentHash(pdu, rules) } }, rules, EVIL, evilKey);
}

function common(index: number, rules: RoomVersionRules): JsonObject {
  return {
    ...(rules.eventIds === 'chosen' && { event_id: `$${index}:alpha.org` as EventId }),
    ...{ sender: ALICE, origin: 'alpha.org', depth: index, origin_server_ts: 1_700_000_000_000 + index },
  };
}

function sketches(rules: RoomVersionRules): Sketch[] {
  const state = (type: string, content: JsonObject, stateKey = ''): JsonObject => ({
    type,
    content,
    state_key: stateKey,
  });
  const member = (user: string, content: JsonObject) => state('m.room.member', content, user);
  const number = (source: string, plain: number) => (rules.strictCanonicalJson ? plain : exactly(source));
  const byBob = { sender: BOB, origin: 'beta.org' };
  const signed = { mxid: BOB, token: 't', signatures: { 'id.org': { 'ed25519:0': 'AAAA' } } };
  const creator = rules.creatorInContent ? { creator: ALICE } : {};
  const authoriser = rules.authoriserServerSigns ? { join_authorised_via_users_server: ALICE } : {};
  return [
    [
      {
        ...state('m.room.create', { room_version: rules.version, ...creator }),
        prev_events: [],
        auth_events: [],
      },
      'alpha',
    ],
    [member(ALICE, { membership: 'join', displayname: 'Alice \u{1f600}' }), 'alpha'],
    [
      state('m.room.power_levels', {
        ...{
          users: rules.privilegedCreators
            ? { [BOB]: 50 }
            : { [ALICE]: number('1e2', 100), [BOB]: number('50.57', 50) },
        },
        ...{
          events: { 'm.room.name': 40 },
          ban: number('50.0', 50),
          invite: 20,
          notifications: { room: number('7e1', 70) },
        },
      }),
      'alpha',
    ],
    [
      state('m.room.join_rules', {
        join_rule: 'restricted',
        allow: [{ type: 'm.room_membership', room_id: '!a:b' }],
        x: 1,
      }),
      'alpha',
    ],
    [state('m.room.history_visibility', { history_visibility: 'shared', x: [] }), 'alpha'],
    [state('m.room.aliases', { aliases: ['#a:alpha.org'], x: 1 }, 'alpha.org'), 'alpha'],
    [
      state(
        'm.room.third_party_invite',
        { display_name: 'B', public_key: 'A'.repeat(43), key_validity_url: 'https://id.org' },
        't',
      ),
      'alpha',
    ],
    [member(BOB, { membership: 'invite', reason: 'friend' }), 'both'],
    [
      member(BOB, { membership: 'invite', third_party_invite: { display_name: 'B', signed } }),
      rules.eventIdServerSigns ? 'alpha' : 'none',
    ],
    [{ ...member(BOB, { membership: 'join', ...authoriser }), ...byBob }, 'both'],
    [
      {
        ...member(BOB, { membership: 'leave' }),
        ...byBob,
        ...(rules.eventIdServerSigns && { event_id: '$leave:beta.org' }),
      },
      rules.eventIdServerSigns ? 'both' : 'alpha',
    ],
    [
      {
        type: 'm.room.redaction',
        ...(rules.redactsInContent
          ? { content: { redacts: '$x', reason: 'r' } }
          : { content: { reason: 'r' }, redacts: '$x' }),
      },
      'alpha',
    ],
    [
      {
        type: 'm.room.message',
        content: {
          body: 'hello "\\ \u0007 日本語',
          msgtype: 'm.text',
          '10': [{ a: null }, true, -7],
          '9': {},
        },
      },
      'alpha',
    ],
    [
      {
        type: 'org.odd',
        content: { n: number('123456789012345678901234567890', 7), f: number('-0.0', 0) },
        membership: number('0.10', 1),
        prev_state: [number('1E2', 5)],
        extra: { a: 1 },
      },
      'alpha',
    ],
  ];
}
