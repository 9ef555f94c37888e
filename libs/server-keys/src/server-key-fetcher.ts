import { type Database, ServerKeyTransactor } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { ServerName } from '@atoll/matrix';
import { counter } from '@atoll/telemetry';
import { AskPauses } from './ask-pauses.js';
import { askOrigin } from './ask-origin.js';
import { QuestionPlaces } from './question-places.js';

/** Servers asked at once, and of these on account of one server. */
const [MAX_QUESTIONS, MAX_OF_CAUSE] = [64, 8];

export interface QuestionOptions {
  /** The server on whose account the question is asked. */
  readonly cause?: ServerName | undefined;
  /** Until when to wait for a place, of `performance.now()`; not at all unless said otherwise. */
  readonly waitUntil?: number;
}

const fetches = counter('atoll_federation_key_fetches_total', 'Servers asked for their keys, by outcome');

/**
 * Asks servers for their own keys and keeps what they say. One question to a server is under way at a time, and after its
 * answer, or without one, there is a pause.
 * @see https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
 */
export class ServerKeyFetcher {
  readonly #inFlight = new Map<ServerName, Promise<void>>();
  readonly #places = new QuestionPlaces(MAX_QUESTIONS, MAX_OF_CAUSE);
  readonly #pauses = new AskPauses();

  constructor(
    private readonly serverName: ServerName,
    private readonly federation: FederationClient,
    private readonly database: Database,
  ) {}

  /**
   * After `done` what the server has to say is stored, unless it is to be left alone or gave no usable answer. `busy`: too many
   * servers are being asked.
   */
  async refresh(
    serverName: ServerName,
    { cause, waitUntil = 0 }: QuestionOptions = {},
  ): Promise<'done' | 'busy'> {
    for (;;) {
      const running = this.#inFlight.get(serverName);
      if (running !== undefined) {
        await running;
        return 'done';
      }
      if (serverName === this.serverName || this.#pauses.isPausing(serverName)) return 'done';
      if (this.#places.take(cause)) break;
      if (!(await this.#places.change(waitUntil))) return 'busy';
    }
    const question = this.#ask(serverName).finally(() => {
      this.#inFlight.delete(serverName);
      this.#places.release(cause);
    });
    this.#inFlight.set(serverName, question);
    await question;
    return 'done';
  }

  async #ask(serverName: ServerName): Promise<void> {
    const answer = await askOrigin(this.federation, serverName);
    if (typeof answer === 'string') {
      fetches.add(1, { outcome: answer });
      this.#pauses.failed(serverName);
      return;
    }
    await this.database.db.transaction().execute(async (transaction) => {
      await new ServerKeyTransactor(transaction).save(serverName, answer.json, answer.keys);
    });
    fetches.add(1, { outcome: 'stored' });
    this.#pauses.answered(serverName);
  }
}
