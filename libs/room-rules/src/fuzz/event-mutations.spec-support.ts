import { isRawNumber, parseExactJson } from '@atoll/event-crypto';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { junkNumber, junkString, junkValue, KEYS } from './event-junk.spec-support.js';
import type { Random } from './event-random.spec-support.js';

type Parent = JsonObject | JsonValue[];
/** A place in an event: an object or array, and a key or index there. */
type Place = readonly [parent: Parent, key: string];

/** Changes one thing about the structure of an event. `other` is a different signed event, to take parts from. */
type Change = (event: JsonObject, other: JsonObject, random: Random) => void;

const at = ([parent, key]: Place): JsonValue => (parent as JsonObject)[key] as JsonValue;

/** Also for `__proto__`, to which an assignment would do something else. */
function put([parent, key]: Place, value: JsonValue): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}

function isParent(value: unknown): value is Parent {
  return typeof value === 'object' && value !== null && !isRawNumber(value);
}

function placesIn(value: JsonValue, found: Place[] = []): Place[] {
  if (!isParent(value)) return found;
  for (const key of Object.keys(value)) {
    if (found.length > 400) break;
    found.push([value, key]);
    placesIn(at([value, key]), found);
  }
  return found;
}

const somewhere = (event: JsonObject, random: Random): Place | undefined => {
  // Half of the time at the top, where most rules look.
  const places = random.oneIn(2) ? Object.keys(event).map((key): Place => [event, key]) : placesIn(event);
  return places.length > 0 ? random.pick(places) : undefined;
};

const copy = (value: JsonValue): JsonValue => parseExactJson(JSON.stringify(value)) ?? null;

function signaturesOf(event: JsonObject): JsonObject {
  return isParent(event['signatures']) ? (event['signatures'] as JsonObject) : {};
}

/** A value like the one before: another of its type. */
function alike(value: JsonValue, random: Random): JsonValue {
  if (typeof value === 'string') {
    if (random.oneIn(2) || value === '') return junkString(random);
    const index = random.below(value.length);
    return (
      value.slice(0, index) + random.pick(['', 'A', 'a', '/', '_', '\0', 'é', ':']) + value.slice(index + 1)
    );
  }
  if (typeof value === 'number' || isRawNumber(value)) return junkNumber(random);
  if (Array.isArray(value)) return random.oneIn(2) ? [...value, ...value] : value.toReversed();
  return junkValue(random);
}

const CHANGES: readonly Change[] = [
  function anotherValue(event, _other, random) {
    const place = somewhere(event, random);
    if (place) put(place, junkValue(random));
  },
  function similarValue(event, _other, random) {
    const place = somewhere(event, random);
    if (place) put(place, alike(at(place), random));
  },
  function removedKey(event, _other, random) {
    const [parent, key] = somewhere(event, random) ?? [event, ''];
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else Reflect.deleteProperty(parent, key);
  },
  function addedKey(event, _other, random) {
    const parents = [event, ...placesIn(event).map(at)].filter(isParent);
    const parent = random.pick(parents);
    if (Array.isArray(parent)) parent.push(junkValue(random));
    else put([parent, random.pick(KEYS)], junkValue(random));
  },
  function renamedKey(event, _other, random) {
    const [parent, key] = somewhere(event, random) ?? [event, ''];
    if (Array.isArray(parent) || !Object.hasOwn(parent, key)) return;
    const value = at([parent, key]);
    Reflect.deleteProperty(parent, key);
    put([parent, random.pick(KEYS)], value);
  },
  function movedValue(event, _other, random) {
    const from = somewhere(event, random);
    const to = somewhere(event, random);
    if (from && to) put(to, copy(at(from)));
  },
  function valueOfOther(event, other, random) {
    const key = random.pick(Object.keys(other));
    put([event, key], copy(at([other, key])));
  },
  function contentKeysOfOther(event, other) {
    if (isParent(event['content']) && isParent(other['content']))
      Object.assign(event['content'], copy(other['content']));
  },
  function wrapped(event, _other, random) {
    const place = somewhere(event, random);
    if (place) put(place, random.oneIn(2) ? [at(place)] : { [random.pick(KEYS)]: at(place) });
  },
  function reordered(event) {
    const entries = Object.entries(event).reverse();
    for (const [key] of entries) Reflect.deleteProperty(event, key);
    for (const [key, value] of entries) put([event, key], value as JsonValue);
  },
  function swappedSignatures(event, _other, random) {
    const signatures = signaturesOf(event);
    const servers = Object.keys(signatures);
    if (servers.length === 0) return;
    const [one, two] = [random.pick(servers), random.pick(['alpha.org', 'beta.org', 'evil.org'])];
    const [before, after] = [signatures[one], signatures[two]];
    put([signatures, two], before as JsonValue);
    if (after === undefined) Reflect.deleteProperty(signatures, one);
    else put([signatures, one], after);
  },
  function otherKeyId(event, _other, random) {
    for (const ofServer of Object.values(signaturesOf(event))) {
      if (!isParent(ofServer)) continue;
      const [key] = Object.keys(ofServer);
      if (key === undefined) continue;
      const value = at([ofServer, key]);
      if (random.oneIn(2)) Reflect.deleteProperty(ofServer, key);
      put([ofServer, random.pick(['ed25519:1', 'ed25519:2', 'ed25519:', 'rsa:1', '__proto__'])], value);
    }
  },
  function takenOver(event, _other, random) {
    event['sender'] = '@eve:evil.org';
    if (random.oneIn(2)) event['event_id'] = '$e:evil.org';
    if (random.oneIn(4))
      event['content'] = { membership: 'join', join_authorised_via_users_server: '@alice:alpha.org' };
  },
  function thirdPartyInvite(event, _other, random) {
    event['type'] = 'm.room.member';
    const invite = random.oneIn(2) ? { signed: { mxid: '@bob:beta.org', token: 't' } } : junkValue(random);
    event['content'] = { membership: 'invite', third_party_invite: invite };
    if (random.oneIn(2)) event['signatures'] = {};
  },
];

/** One to four changes to a copy of an event. */
export function mutatedEvent(text: string, otherText: string, random: Random): JsonObject {
  const event = parseExactJson(text) as JsonObject;
  const other = parseExactJson(otherText) as JsonObject;
  for (let count = 1 + random.below(4); count > 0; count -= 1) random.pick(CHANGES)(event, other, random);
  return event;
}
