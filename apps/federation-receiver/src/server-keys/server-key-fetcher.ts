import { type Database, ServerKeyTransactor } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import { overloaded, type ServerName } from '@atoll/matrix';
import { counter } from '@atoll/telemetry';
import { LRUCache } from 'lru-cache';
import { readKeyAnswer } from './read-key-answer.js';

const PATH = '/_matrix/key/v2/server';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 262_144;
/** Servers asked at once. Whoever sends requests can name any server: these bound what that costs others. */
const MAX_IN_FLIGHT = 64;
const RETRY_AFTER_MS = 1_000;
const REMEMBERED_SERVERS = 10_000;
/** No server is asked again sooner after a usable answer, though it may have new keys. */
const PAUSE_MS = 10_000;
/** Without one; twice as long with each failure in a row. */
const FIRST_FAILURE_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 600_000;

type Outcome = 'stored' | 'unusable' | 'unreachable';

const fetches = counter('atoll_federation_key_fetches_total', 'Servers asked for their keys, by outcome');

/**
 * Asks servers for their keys and keeps what they say. One question to a server is under way at a time, and after its
 * answer, or without one, there is a pause.
 * @see https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
 */
export class ServerKeyFetcher {
  readonly #inFlight = new Map<ServerName, Promise<void>>();
  /** When a server may be asked again, and its failures in a row. */
  readonly #pauses = new LRUCache<ServerName, { until: number; failures: number }>({
    max: REMEMBERED_SERVERS,
  });

  constructor(
    private readonly serverName: ServerName,
    private readonly federation: FederationClient,
    private readonly database: Database,
  ) {}

  /**
   * Afterwards what the server has to say is stored, unless it is to be left alone or gave no usable answer.
   * @throws MatrixError 503 when too many servers are being asked
   */
  async refresh(serverName: ServerName): Promise<void> {
    const known = this.#inFlight.get(serverName);
    if (known !== undefined) return known;
    const isPausing = (this.#pauses.get(serverName)?.until ?? 0) > performance.now();
    if (serverName === this.serverName || isPausing) return;
    if (this.#inFlight.size >= MAX_IN_FLIGHT) throw overloaded(RETRY_AFTER_MS);
    const fetch = this.#fetch(serverName).finally(() => this.#inFlight.delete(serverName));
    this.#inFlight.set(serverName, fetch);
    return fetch;
  }

  async #fetch(serverName: ServerName): Promise<void> {
    const outcome = await this.#ask(serverName);
    fetches.add(1, { outcome });
    const failures = outcome === 'stored' ? 0 : (this.#pauses.get(serverName)?.failures ?? 0) + 1;
    const failurePause = Math.min(FIRST_FAILURE_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS);
    const until = performance.now() + (failures === 0 ? PAUSE_MS : failurePause);
    this.#pauses.set(serverName, { until, failures });
  }

  async #ask(serverName: ServerName): Promise<Outcome> {
    const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const result = await this.federation.send(serverName, 'GET', PATH, undefined, options);
    if (result.outcome !== 'answered') return 'unreachable';
    const keys = await readKeyAnswer(result.body, serverName);
    if (keys === undefined) return 'unusable';
    const json = JSON.stringify(result.body);
    await this.database.db.transaction().execute(async (transaction) => {
      await new ServerKeyTransactor(transaction).save(serverName, json, keys);
    });
    return 'stored';
  }
}
