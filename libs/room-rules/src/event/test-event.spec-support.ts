import { parseExactJson, type SigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, JsonValue, Pdu, RoomId, ServerName } from '@atoll/matrix';
import {
  rulesOf,
  type RoomVersion,
  type RoomVersionRules,
  supportedRoomVersions,
} from '../room-version-rules.js';
import { signEvent } from './build-event.js';
import { contentHash } from './event-hashes.js';
import { parseEventText } from './parse-event.js';

const HASH = 'h'.repeat(43);

/** The rules of a version that exists. */
export function rulesFor(version: RoomVersion): RoomVersionRules {
  const rules = rulesOf(version);
  if (rules === undefined) throw new Error(`There is no room version ${version}`);
  return rules;
}

/** The rules of the versions from one to another, both included. */
export function versions(from: number, to: number): RoomVersionRules[] {
  return supportedRoomVersions.filter(({ version }) => Number(version) >= from && Number(version) <= to);
}

/** A room id as events of a version carry it. */
export function roomIdFor(rules: RoomVersionRules): RoomId {
  return (rules.roomIdIsCreateEventId ? `!${HASH}` : '!r:alpha.org') as RoomId;
}

/** References to some other events, as events of a version name them. */
export function references(count: number, { eventIds }: RoomVersionRules): Pdu['prev_events'] {
  return Array.from({ length: count }, (_item, index) =>
    eventIds === 'chosen'
      ? [`$${index}:alpha.org` as EventId, { sha256: HASH }]
      : (`$${String(index).padEnd(43, 'x')}` as EventId),
  );
}

/** The JSON of an event that has the format of a version, neither hashed nor signed. */
export function eventJson(rules: RoomVersionRules, more: JsonObject = {}): JsonObject {
  const json: JsonObject = {
    ...(rules.eventIds === 'chosen' && { event_id: '$e:alpha.org' }),
    type: 'm.room.message',
    room_id: roomIdFor(rules),
    sender: '@a:alpha.org',
    content: { body: 'hi' },
    depth: 3,
    origin_server_ts: 5,
    prev_events: references(1, rules),
    auth_events: references(2, rules),
    hashes: { sha256: HASH },
    signatures: { 'alpha.org': { 'ed25519:1': 's' } },
    ...more,
  };
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}

/** A number that `JSON.stringify` writes just so. */
export function exactly(source: string): JsonValue {
  return JSON.rawJSON(source) as unknown as JsonValue;
}

/** An event as another server hashes and signs it: also with what this server would not put into its own. */
export async function foreignEvent(
  text: string,
  rules: RoomVersionRules,
  signers: readonly (readonly [ServerName, SigningKey])[],
): Promise<Pdu> {
  const json = parseExactJson(text) as unknown as Pdu;
  let pdu: Pdu = { ...json, hashes: { sha256: contentHash(json, rules) }, signatures: {} };
  for (const [server, key] of signers) pdu = await signEvent(pdu, rules, server, key);
  return pdu;
}

/** The event of a text that must parse. */
export function parsed(text: string, rules: RoomVersionRules): Pdu {
  const result = parseEventText(text, rules);
  if ('problem' in result) throw new Error(`${result.problem}: ${text}`);
  return result.event;
}
