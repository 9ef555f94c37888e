import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { isJsonObject, type JsonObject, type Pdu, type RoomEvent } from '@atoll/matrix';
import { authorizeEvent, authTypesForEvent, checkAuthEvents, type StateLookup } from '../auth/index.js';
import { canonicalEventJson, essentialJson, eventIdOf, hasValidContentHash } from '../event/event-hashes.js';
import { checkEventSize } from '../event/event-size.js';
import { parseEvent, withPlainNumbers } from '../event/parse-event.js';
import { redactEvent } from '../event/redact-event.js';
import { requiredSigners } from '../event/required-signers.js';
import { parsed } from '../event/test-event.spec-support.js';
import { verifyEventSignatures } from '../event/verify-event-signatures.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey } from '../state-map.js';
import { keyFor, toRoomEvent, type Original } from './event-originals.spec-support.js';

/** What became of an event that parsed. */
export type Outcome =
  'not signed as it must be' | 'verified, whole' | 'verified, redacted' | 'needs no signature';

/** The signed events of a room version, and what must hold of every event that somebody makes of them. */
export class EventChecks {
  /** By server and essential JSON: what a server has really signed. */
  readonly #signed = new Set<string>();
  /** The whole of each signed event by its essential JSON. */
  readonly #contents = new Map<string, string>();
  readonly #state = new Map<string, RoomEvent>();
  readonly #events: readonly RoomEvent[];

  constructor(
    readonly rules: RoomVersionRules,
    originals: readonly Original[],
  ) {
    for (const { pdu } of originals) this.addSigned(pdu);
    this.#events = originals.map(({ pdu }) => toRoomEvent(pdu, rules));
    for (const event of this.#events) {
      if (event.pdu.state_key !== undefined)
        this.#state.set(stateKey(event.pdu.type, event.pdu.state_key), event);
    }
  }

  /** Notes an event that those servers whose signatures it carries have signed. */
  addSigned(pdu: Pdu): void {
    const essential = essentialJson(pdu, this.rules);
    for (const server of Object.keys(pdu.signatures)) this.#signed.add(`${server} ${essential}`);
    this.#contents.set(essential, wholeJson(pdu, this.rules));
  }

  /**
   * @param text what `pdu` was parsed from
   * @throws AssertionError for what must never be
   */
  async check(text: string, pdu: Pdu): Promise<Outcome> {
    checkReading(text, pdu, this.rules);
    this.#checkForms(pdu);
    this.#checkAuthorisation(pdu);
    return this.#checkSignatures(pdu);
  }

  /** Whatever parses has an id, a room, a redacted form and a text, which stay the same once it is stored or redacted. */
  #checkForms(pdu: Pdu): void {
    const { rules } = this;
    const essential = essentialJson(pdu, rules);
    const stored = parsed(JSON.stringify(pdu), rules);
    strictEqual(wholeJson(stored, rules), wholeJson(pdu, rules));
    deepStrictEqual(requiredSigners(stored, rules), requiredSigners(pdu, rules));
    const canonical = canonicalEventJson(pdu as JsonObject, rules);
    strictEqual(canonicalEventJson(parsed(canonical, rules) as JsonObject, rules), canonical);

    const redacted = redactEvent(pdu, rules);
    strictEqual(essentialJson(redacted, rules), essential);
    strictEqual(eventIdOf(redacted, rules), eventIdOf(pdu, rules));
    ok('event' in parseEvent(redacted, rules), 'the redacted form parses');
    strictEqual(JSON.stringify(redactEvent(redacted, rules)), JSON.stringify(redacted));
    checkEventSize(pdu);
    structuredClone(withPlainNumbers(pdu, rules));
  }

  /** Against no state, against a small one, and as a part of it. */
  #checkAuthorisation(pdu: Pdu): void {
    const { rules } = this;
    const event = toRoomEvent(pdu, rules);
    const state: StateLookup = (type, key) => this.#state.get(stateKey(type, key));
    const cited = authTypesForEvent(event.pdu, rules).flatMap(([type, key]) => state(type, key) ?? []);
    checkAuthEvents(event, cited, rules);
    authorizeEvent(event, () => undefined, rules);
    authorizeEvent(event, state, rules);
    const { type, state_key: key } = event.pdu;
    if (key === undefined) return;
    const changed: StateLookup = (t, k) => (t === type && k === key ? event : state(t, k));
    for (const other of [...this.#events, event]) authorizeEvent(other, changed, rules);
  }

  async #checkSignatures(pdu: Pdu): Promise<Outcome> {
    const { rules } = this;
    const essential = essentialJson(pdu, rules);
    const signers = requiredSigners(pdu, rules);
    const problem = await verifyEventSignatures(pdu, rules, keyFor, 1_700_000_000_000);
    if (problem !== undefined) return 'not signed as it must be';

    for (const server of signers) ok(this.#signed.has(`${server} ${essential}`), `${server} never signed it`);
    const isWhole = hasValidContentHash(pdu, rules);
    const used = isWhole ? pdu : redactEvent(pdu, rules);
    for (const id of whoMustSign(used, rules)) {
      const server = id.slice(id.indexOf(':') + 1);
      ok(this.#signed.has(`${server} ${essential}`), `the server of ${id} signed it`);
    }
    const whole = this.#contents.get(essential);
    if (isWhole && whole !== undefined) strictEqual(wholeJson(pdu, rules), whole);
    if (signers.length === 0) return 'needs no signature';
    return isWhole ? 'verified, whole' : 'verified, redacted';
  }
}

/** All that the content hash covers, and the hash. */
function wholeJson(pdu: Pdu, rules: RoomVersionRules): string {
  return canonicalEventJson({ ...(pdu as JsonObject), signatures: undefined, unsigned: undefined }, rules);
}

/** The ids whose servers must sign, said once more and differently: `used` is the form that the event is used in. */
function whoMustSign(used: Pdu, { version }: RoomVersionRules): string[] {
  const {
    membership,
    third_party_invite: invite,
    join_authorised_via_users_server: authoriser,
  } = used.content;
  const isMember = used.type === 'm.room.member';
  const ids: string[] = isMember && membership === 'invite' && invite !== undefined ? [] : [used.sender];
  if (Number(version) <= 2) ids.push(String(used.event_id));
  if (Number(version) >= 8 && isMember && authoriser !== undefined)
    ids.push(JSON.stringify(authoriser).slice(1, -1));
  return ids;
}

const UNUSUAL = 'unusual number ';

/** The event says what the text says, every number included, and has the types that its readers rely on. */
function checkReading(text: string, pdu: Pdu, rules: RoomVersionRules): void {
  const said = withMarkedNumbers(text) as Record<string, unknown>;
  Reflect.deleteProperty(said, 'unsigned');
  strictEqual(JSON.stringify(withMarkedNumbers(JSON.stringify(pdu))), JSON.stringify(said));
  if (Number(rules.version) >= 6) ok(!JSON.stringify(said).includes(UNUSUAL), 'no unusual numbers');

  const { content, depth, signatures, hashes } = withPlainNumbers(pdu, rules);
  ok(isJsonObject(content) && isJsonObject(hashes), 'content and hashes are objects');
  ok(Number.isInteger(depth) && depth >= 0 && depth <= 2 ** 63, 'depth is an integer');
  for (const ofServer of Object.values(signatures)) {
    for (const signature of Object.values(ofServer)) strictEqual(typeof signature, 'string');
    ok(isJsonObject(ofServer), 'signatures of a server are an object');
  }
}

/** JSON in which a number that JavaScript would write differently is a string with its source. */
function withMarkedNumbers(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) => {
    if (typeof value !== 'number' || source === undefined) return value;
    const isKept = /^-?[0-9]+$/.test(source) ? Number.isSafeInteger(value) : false;
    return isKept ? value : UNUSUAL + (Number.isInteger(value) ? source : String(value));
  });
}
