import type { ServerKeyReader } from '@atoll/database';
import { signJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonObject, ServerName } from '@atoll/matrix';
import type { OwnServerKeys } from '../get-server-key/own-server-keys.js';

/** What this server, as a notary, says about the keys of others. */
export class NotaryAnswers {
  constructor(
    private readonly serverName: ServerName,
    private readonly signingKey: SigningKey,
    private readonly ownKeys: OwnServerKeys,
    private readonly reader: ServerKeyReader,
  ) {}

  /**
   * The last answer of each server, with its signature and ours, ours being of our own name alone. Servers whose answer this
   * one has never had are left out. An answer that ended stays better than none: events that it covers can be checked.
   * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
   */
  async about(serverNames: readonly ServerName[]): Promise<JsonObject[]> {
    const others = serverNames.filter((name) => name !== this.serverName);
    const answers = others.length > 0 ? await this.reader.lastAnswers(others) : [];
    const signed = answers.map((answer) => signJson(answer, this.serverName, this.signingKey));
    const own = others.length < serverNames.length ? [this.ownKeys.signed()] : [];
    return Promise.all([...own, ...signed]);
  }
}
