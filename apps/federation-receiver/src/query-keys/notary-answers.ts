import type { ServerKeyReader } from '@atoll/database';
import { signJson, type SigningKey } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, type ServerName } from '@atoll/matrix';
import type { ServerKeys } from '@atoll/server-keys';
import type { OwnServerKeys } from '../get-server-key/own-server-keys.js';
import type { WantedAnswer } from './query-keys.schema.js';

/** Servers that one query makes this server ask; about the rest it says what it has. */
const MAX_ASKED = 100;
const ASK_MS = 15_000;
/** Queries that may wait for others at once: anybody may send them, and name servers that never answer. */
const MAX_WAITING = 32;

/** What this server, as a notary, says about the keys of others. */
export class NotaryAnswers {
  #waiting = 0;

  constructor(
    private readonly serverName: ServerName,
    private readonly signingKey: SigningKey,
    private readonly ownKeys: OwnServerKeys,
    private readonly reader: ServerKeyReader,
    private readonly keys: ServerKeys,
  ) {}

  /**
   * The last answer of each server, with its signature and ours, ours being of our own name alone. Servers whose last answer
   * does not reach far enough or lacks a key are asked first, within bounds. Those that never gave one are left out; an answer
   * that ended stays better than none: events that it covers can be checked.
   * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
   */
  async about(wanted: readonly WantedAnswer[]): Promise<JsonObject[]> {
    const others = wanted.filter(({ serverName }) => serverName !== this.serverName);
    const answers = await this.#lastAnswers(others.map(({ serverName }) => serverName));
    const tooLittle = others.filter((one) => !suffices(answers.get(one.serverName), one));
    const asked = tooLittle.slice(0, MAX_ASKED).map(({ serverName }) => serverName);
    if (await this.#refresh(asked))
      for (const [name, answer] of await this.#lastAnswers(asked)) answers.set(name, answer);
    const signed = [...answers.values()].map((answer) => signJson(answer, this.serverName, this.signingKey));
    const own = others.length < wanted.length ? [this.ownKeys.signed()] : [];
    return Promise.all([...own, ...signed]);
  }

  async #lastAnswers(names: readonly ServerName[]): Promise<Map<unknown, JsonObject>> {
    const answers = names.length > 0 ? await this.reader.lastAnswers(names) : [];
    return new Map(answers.map((answer) => [answer['server_name'], answer]));
  }

  /** Whether anybody was asked. */
  async #refresh(names: readonly ServerName[]): Promise<boolean> {
    if (names.length === 0 || this.#waiting >= MAX_WAITING) return false;
    this.#waiting++;
    try {
      await this.keys.refresh(names, performance.now() + ASK_MS);
      return true;
    } finally {
      this.#waiting--;
    }
  }
}

function suffices(answer: JsonObject | undefined, { validUntil, keyIds }: WantedAnswer): boolean {
  const until = answer?.['valid_until_ts'];
  if (answer === undefined || typeof until !== 'number' || until < validUntil) return false;
  const lists = [answer['verify_keys'], answer['old_verify_keys']].filter(isJsonObject);
  return keyIds.every((keyId) => lists.some((list) => Object.hasOwn(list, keyId)));
}
