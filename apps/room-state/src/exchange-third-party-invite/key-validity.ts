import type { FetchJson } from '@atoll/federation-client';
import { forbidden, isJsonObject, MatrixError } from '@atoll/matrix';
import type { ThirdPartyKey } from '@atoll/room-rules';
import { counter } from '@atoll/telemetry';
import type { RequestSlots } from '../missing-events/request-slots.js';

/** For one question. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;
/** An identity server signs with one key, or with one of its own and one made for the invite. */
const MAX_QUESTIONS = 3;

const questions = counter(
  'atoll_third_party_key_questions_total',
  'Questions to identity servers whether a key is still valid, by the answer',
);

type Validity = 'valid' | 'revoked' | 'unknown';

/** Asks identity servers whether the keys with which they signed invites are still valid. */
export class KeyValidity {
  constructor(
    private readonly fetchJson: FetchJson,
    private readonly slots: RequestSlots<string>,
  ) {}

  /**
   * One valid key is enough, as one signature is. Never to be awaited in a room's turn.
   * @param keys those that have signed
   * @param deadline ms since 1970
   * @throws MatrixError 403 when all are revoked; 502 when one might be valid, but nobody says so in time; 503 when too many wait
   * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-invites
   */
  async assertOneValid(keys: readonly ThirdPartyKey[], deadline: number): Promise<void> {
    let isUnknown = false;
    for (const key of distinct(keys).slice(0, MAX_QUESTIONS)) {
      const validity = await this.validityOf(key, deadline);
      if (validity === 'valid') return;
      isUnknown ||= validity === 'unknown';
    }
    if (!isUnknown) throw forbidden('The key that signed the invite is no longer valid');
    throw new MatrixError(
      502,
      'M_UNKNOWN',
      'The identity server does not say whether the key that signed the invite is still valid',
    );
  }

  private async validityOf({ publicKey, validityUrl }: ThirdPartyKey, deadline: number): Promise<Validity> {
    if (validityUrl === undefined) return 'valid';
    const url = URL.parse(validityUrl);
    if (url === null) return 'unknown';
    const validity = await this.slots.run(url.host, () => this.ask(url, publicKey, deadline));
    questions.add(1, { validity });
    return validity;
  }

  /** The URL may hold a query of its own, which stays as it is. */
  private async ask(url: URL, publicKey: string, deadline: number): Promise<Validity> {
    const timeoutMs = Math.min(TIMEOUT_MS, deadline - Date.now());
    if (timeoutMs <= 0) return 'unknown';
    url.search = `${url.search === '' ? '?' : `${url.search}&`}public_key=${encodeURIComponent(publicKey)}`;
    const result = await this.fetchJson(url.href, { timeoutMs, maxBytes: MAX_ANSWER_BYTES });
    const valid =
      result.outcome === 'answered' && isJsonObject(result.body) ? result.body['valid'] : undefined;
    if (typeof valid !== 'boolean') return 'unknown';
    return valid ? 'valid' : 'revoked';
  }
}

/** Identity servers list their key a second time where older servers look for it. */
function distinct(keys: readonly ThirdPartyKey[]): ThirdPartyKey[] {
  return [...new Map(keys.map((key) => [JSON.stringify([key.publicKey, key.validityUrl]), key])).values()];
}
