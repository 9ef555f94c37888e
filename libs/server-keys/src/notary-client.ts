import { type AnsweredKey, type Database, ServerKeyTransactor } from '@atoll/database';
import { verifySignedJson } from '@atoll/event-crypto';
import type { FederationClient } from '@atoll/federation-client';
import { isJsonObject, type JsonObject, type JsonValue, type ServerName } from '@atoll/matrix';
import { counter } from '@atoll/telemetry';
import { askOrigin } from './ask-origin.js';
import { AskPauses } from './ask-pauses.js';
import type { MissingKeys } from './missing-keys.js';
import { QuestionPlaces } from './question-places.js';
import { readKeyAnswer } from './read-key-answer.js';

const PATH = '/_matrix/key/v2/query';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;
/** A notary has to ask those that it does not know itself. */
const SERVERS_PER_REQUEST = 100;
const KEYS_PER_SERVER = 10;
const REQUESTS_AT_ONCE = 4;
/** More than one, because a notary may answer with several answers of a server. */
const ANSWERS_PER_SERVER = 4;
/** How long a notary's own keys are taken from memory. */
const OWN_KEYS_MS = 3_600_000;

type CheckedAnswer = { serverName: ServerName; json: string; keys: readonly AnsweredKey[] };

const queries = counter('atoll_federation_notary_queries_total', 'Questions to notaries, by outcome');

/**
 * Asks a notary about the keys of other servers. What it says counts when the server itself has signed it and the notary has,
 * by a key that this process got from the notary itself.
 * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
 */
export class NotaryClient {
  readonly #pauses = new AskPauses();
  readonly #places = new QuestionPlaces(REQUESTS_AT_ONCE);
  #ownKeys: { readonly keys: readonly AnsweredKey[]; readonly until: number } | undefined;

  constructor(
    private readonly notary: ServerName,
    private readonly federation: FederationClient,
    private readonly database: Database,
  ) {}

  /**
   * Afterwards what the notary says of the servers is stored; servers about which it was asked not long ago are left out.
   * @param deadline of `performance.now()`
   * @param waitUntil how long to wait while too many requests are under way
   */
  async ask(missing: readonly MissingKeys[], deadline: number, waitUntil = deadline): Promise<void> {
    while (!this.#places.take(undefined)) if (!(await this.#places.change(waitUntil))) return;
    try {
      await this.#askInParts(missing, deadline);
    } finally {
      this.#places.release(undefined);
    }
  }

  async #askInParts(missing: readonly MissingKeys[], deadline: number): Promise<void> {
    const left = missing.filter(
      ({ serverName }) => serverName !== this.notary && !this.#pauses.isPausing(serverName),
    );
    for (let at = 0; at < left.length; at += SERVERS_PER_REQUEST) {
      const timeoutMs = Math.min(TIMEOUT_MS, Math.ceil(deadline - performance.now()));
      if (timeoutMs <= 0 || this.#pauses.isPausing(this.notary)) return;
      await this.#askAbout(left.slice(at, at + SERVERS_PER_REQUEST), timeoutMs);
    }
  }

  async #askAbout(missing: readonly MissingKeys[], timeoutMs: number): Promise<void> {
    const notaryKeys = await this.#notaryKeys();
    if (notaryKeys === undefined) return;
    const body = { server_keys: Object.fromEntries(missing.map(queryOf)) };
    const options = { timeoutMs, maxBytes: MAX_BYTES };
    const result = await this.federation.send(this.notary, 'POST', PATH, body, options);
    if (result.outcome !== 'answered') {
      queries.add(1, { outcome: 'unreachable' });
      this.#pauses.failed(this.notary);
      return;
    }
    const answers = await this.#readAnswers(result.body, missing, notaryKeys);
    await this.#store(answers);
    queries.add(1, { outcome: answers.length > 0 ? 'stored' : 'nothing' });
    const answered = new Set(answers.map(({ serverName }) => serverName));
    for (const { serverName } of missing)
      if (answered.has(serverName)) this.#pauses.answered(serverName);
      else this.#pauses.failed(serverName);
  }

  /** The keys that the notary signs with now, from the notary itself. */
  async #notaryKeys(): Promise<readonly AnsweredKey[] | undefined> {
    if (this.#ownKeys !== undefined && performance.now() < this.#ownKeys.until) return this.#ownKeys.keys;
    const answer = await askOrigin(this.federation, this.notary);
    const keys = typeof answer === 'string' ? [] : answer.keys.filter(isCurrent);
    if (keys.length === 0) {
      queries.add(1, { outcome: 'no_notary_key' });
      this.#pauses.failed(this.notary);
      return undefined;
    }
    this.#ownKeys = { keys, until: performance.now() + OWN_KEYS_MS };
    return keys;
  }

  async #readAnswers(
    body: JsonValue,
    missing: readonly MissingKeys[],
    notaryKeys: readonly AnsweredKey[],
  ): Promise<CheckedAnswer[]> {
    const list = isJsonObject(body) ? body['server_keys'] : undefined;
    if (!Array.isArray(list)) return [];
    const asked = new Map<unknown, ServerName>(missing.map(({ serverName }) => [serverName, serverName]));
    const checked = list.slice(0, missing.length * ANSWERS_PER_SERVER).map(async (answer) => {
      const serverName = isJsonObject(answer) ? asked.get(answer['server_name']) : undefined;
      if (!isJsonObject(answer) || serverName === undefined) return [];
      const [keys, isCountersigned] = await Promise.all([
        readKeyAnswer(answer, serverName),
        this.#hasSigned(answer, notaryKeys),
      ]);
      if (keys === undefined || !isCountersigned) return [];
      return [{ serverName, json: JSON.stringify(answer), keys }];
    });
    return (await Promise.all(checked)).flat();
  }

  async #hasSigned(answer: JsonObject, notaryKeys: readonly AnsweredKey[]): Promise<boolean> {
    const now = notaryKeys.filter(isCurrent);
    const valid = now.map(({ keyId, publicKey }) => verifySignedJson(answer, this.notary, keyId, publicKey));
    if ((await Promise.all(valid)).some(Boolean)) return true;
    // It may sign with a new key by now: the next question begins with its keys.
    this.#ownKeys = undefined;
    return false;
  }

  async #store(answers: readonly CheckedAnswer[]): Promise<void> {
    if (answers.length === 0) return;
    // In one order everywhere, so that instances that learn the same at once cannot lock each other out.
    const ordered = answers.toSorted((a, b) => (a.serverName < b.serverName ? -1 : 1));
    await this.database.db.transaction().execute(async (transaction) => {
      const transactor = new ServerKeyTransactor(transaction);
      for (const { serverName, json, keys } of ordered) await transactor.saveIfNewer(serverName, json, keys);
    });
  }
}

function queryOf({ serverName, keys }: MissingKeys): [ServerName, JsonObject] {
  const wanted = [...keys].slice(0, KEYS_PER_SERVER);
  return [
    serverName,
    Object.fromEntries(wanted.map(([keyId, until]) => [keyId, { minimum_valid_until_ts: until }])),
  ];
}

const isCurrent = ({ expiredTs, validUntilTs }: AnsweredKey) =>
  expiredTs === null && validUntilTs > Date.now();
