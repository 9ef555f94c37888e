import { type Database, type KnownServerKey, ServerKeyReader } from '@atoll/database';
import type { SigningKey } from '@atoll/event-crypto';
import type { FederationClient } from '@atoll/federation-client';
import { overloaded, type ServerName } from '@atoll/matrix';
import type { KeyLookup } from '@atoll/room-rules';
import { inParallel } from './in-parallel.js';
import { isSettled, toVerifyKey } from './key-validity.js';
import { type MissingKeys, missingKeys, nameOfKey, type WantedKey } from './missing-keys.js';
import { NotaryClient } from './notary-client.js';
import { ServerKeyFetcher } from './server-key-fetcher.js';

/** For everything that one search learns. */
const FIND_MS = 30_000;
/** Of it, for the servers themselves, where there are notaries to ask after them. */
const ORIGINS_MS = 20_000;
const ORIGINS_AT_ONCE = 16;
/** For a notary that is asked about the key of a request. */
const REQUEST_MS = 10_000;
const RETRY_AFTER_MS = 1_000;

export interface ServerKeysOptions {
  readonly serverName: ServerName;
  readonly ownKey: SigningKey;
  readonly database: Database;
  readonly federation: FederationClient;
  /** `trustedKeyServers` of `@atoll/config`. */
  readonly notaries: readonly ServerName[];
}

/** The signing keys of other servers, and of this one: what is stored, what their servers say, and what notaries say. */
export class ServerKeys {
  private readonly reader: ServerKeyReader;
  private readonly fetcher: ServerKeyFetcher;
  private readonly notaries: readonly NotaryClient[];

  constructor(private readonly options: ServerKeysOptions) {
    const { serverName, database, federation, notaries } = options;
    this.reader = new ServerKeyReader(database);
    this.fetcher = new ServerKeyFetcher(serverName, federation, database);
    this.notaries = notaries
      .filter((notary) => notary !== serverName)
      .map((notary) => new NotaryClient(notary, federation, database));
  }

  /**
   * Those of the keys that are known or can be learnt within 30 s; whether they were valid is the caller's question. Each server
   * is asked once, however many of its keys are wanted.
   * @param cause the server on whose account they are wanted; only so many servers are asked at once for each
   */
  async find(wanted: readonly WantedKey[], cause?: ServerName): Promise<KeyLookup> {
    const { serverName: own, ownKey } = this.options;
    const others = wanted.filter(({ serverName }) => serverName !== own);
    const known = new Map<string, KnownServerKey>();
    await this.#read(
      others.map(({ serverName }) => serverName),
      known,
    );
    await this.#learn(others, known, cause);
    return (serverName, keyId) => {
      if (serverName === own) return keyId === ownKey.keyId ? { publicKey: ownKey.publicKey } : undefined;
      const key = known.get(nameOfKey(serverName, keyId));
      return key && toVerifyKey(key);
    };
  }

  /**
   * The public key, unpadded Base64, if it may sign requests now: it is current and neither retired nor too old.
   * @throws MatrixError 503 when too many servers are being asked
   */
  async currentKey(serverName: ServerName, keyId: string): Promise<string | undefined> {
    const now = Date.now();
    const missing = missingKeys([{ serverName, keyId, validAt: now }], new Map());
    if (missing.length === 0 || serverName === this.options.serverName) return undefined;
    let key = await this.reader.find(serverName, keyId);
    if (key === undefined || !isSettled(key, now)) {
      if ((await this.fetcher.refresh(serverName)) === 'busy') throw overloaded(RETRY_AFTER_MS);
      key = await this.reader.find(serverName, keyId);
    }
    for (const notary of this.notaries) {
      if (key !== undefined && isSettled(key, now)) break;
      await notary.ask(missing, performance.now() + REQUEST_MS, 0);
      key = await this.reader.find(serverName, keyId);
    }
    const isCurrent = key?.expiredTs === null && isSettled(key, Date.now());
    return isCurrent ? key?.publicKey : undefined;
  }

  /**
   * Asks servers themselves for their keys, those that are not to be left alone, on account of this server: what a notary does.
   * @param deadline of `performance.now()`
   */
  async refresh(serverNames: readonly ServerName[], deadline: number): Promise<void> {
    const options = { cause: this.options.serverName, waitUntil: deadline };
    await inParallel(serverNames, ORIGINS_AT_ONCE, deadline, (name) => this.fetcher.refresh(name, options));
  }

  async #learn(
    wanted: readonly WantedKey[],
    known: Map<string, KnownServerKey>,
    cause: ServerName | undefined,
  ): Promise<void> {
    const missing = missingKeys(wanted, known);
    if (missing.length === 0) return;
    const start = performance.now();
    const waitUntil = start + (this.notaries.length > 0 ? ORIGINS_MS : FIND_MS);
    await inParallel(missing, ORIGINS_AT_ONCE, waitUntil, ({ serverName }) =>
      this.fetcher.refresh(serverName, { cause, waitUntil }),
    );
    await this.#read(serversOf(missing), known);
    await this.#askNotaries(wanted, known, start + FIND_MS);
  }

  /** One notary after the other, about what is still missing. */
  async #askNotaries(
    wanted: readonly WantedKey[],
    known: Map<string, KnownServerKey>,
    deadline: number,
  ): Promise<void> {
    for (const notary of this.notaries) {
      const missing = missingKeys(wanted, known);
      if (missing.length === 0) return;
      await notary.ask(missing, deadline);
      await this.#read(serversOf(missing), known);
    }
  }

  async #read(serverNames: readonly ServerName[], known: Map<string, KnownServerKey>): Promise<void> {
    const names = [...new Set(serverNames)];
    if (names.length === 0) return;
    for (const key of await this.reader.ofServers(names))
      known.set(nameOfKey(key.serverName, key.keyId), key);
  }
}

const serversOf = (missing: readonly MissingKeys[]) => missing.map(({ serverName }) => serverName);
