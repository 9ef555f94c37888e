import net from 'node:net';
import { Kysely } from 'kysely';
import pg from 'pg';
import { AtollDialect } from './dialect.js';
import type { DatabaseSchema } from './schema/database-schema.js';
import { columnTypes } from './column-types.js';
import { observePool } from './pool-metrics.js';

/** PostgreSQL cuts names at 63 bytes; a cut name would no longer find its own sessions. */
const MAX_APPLICATION_NAME = 63;

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  readonly poolSize: number;
  /** The instance id: sessions of an expired instance are found, and ended, by this name. ASCII, at most 63 bytes. */
  readonly applicationName: string;
  /** Longest statement, in ms; 0 for no bound (migrations). Default 30,000. */
  readonly statementTimeoutMs?: number;
  /** Longest pause of the client inside a transaction, in ms. Must stay below the life of a lease. Default 2,000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Longest wait for a connection, in ms. Default 5,000. */
  readonly acquireTimeoutMs?: number;
  /** Send queries without waiting for the answers to those before, where the caller does not wait either. Default no. */
  readonly pipeline?: boolean;
  /** Told when a connection breaks while nobody uses it; the pool has already dropped it. */
  readonly onIdleError?: (error: Error) => void;
}

/** One process's access to PostgreSQL. */
export interface Database {
  readonly db: Kysely<DatabaseSchema>;
  readonly pool: pg.Pool;
  /** Waits for the connections in use, then closes all. */
  close(): Promise<void>;
}

/** Opens a pool; connects on first use. `int8` is read as a number, `timestamptz` as a `Date`. */
export function openDatabase(options: DatabaseOptions): Database {
  assertApplicationName(options.applicationName);
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const pool = new pg.Pool({
    connectionString: withSessionSettings(options, statementTimeoutMs),
    max: options.poolSize,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 5_000,
    idleTimeoutMillis: 20_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types: columnTypes,
    pipeline: options.pipeline ?? false,
    ...(statementTimeoutMs > 0 && { stream: () => silentAtMost(statementTimeoutMs + 5_000) }),
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  // A connection that breaks between two queries of its user says so to nobody; the next query fails, and reports it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<DatabaseSchema>({ dialect: new AtollDialect(pool) });
  const stopObserving = observePool(options.applicationName, pool);
  const close = async (): Promise<void> => {
    stopObserving();
    await db.destroy();
  };
  return { db, pool, close };
}

function assertApplicationName(name: string): void {
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > MAX_APPLICATION_NAME) {
    throw new Error(
      `application name must be 1 to ${MAX_APPLICATION_NAME} printable ASCII characters: ${name}`,
    );
  }
}

/** The connection string outranks pg's own options, so what must hold is written into it. */
function withSessionSettings(options: DatabaseOptions, statementTimeoutMs: number): string {
  const [base = '', query = ''] = options.url.split('?', 2);
  const parameters = new URLSearchParams(query);
  const settings = {
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 2_000,
    synchronous_commit: 'on',
    tcp_keepalives_idle: 5,
    tcp_keepalives_interval: 2,
    tcp_keepalives_count: 3,
    tcp_user_timeout: 10_000,
  };
  const own = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  parameters.set('options', [parameters.get('options') ?? '', ...own].join(' ').trim());
  parameters.set('application_name', options.applicationName);
  return `${base}?${parameters.toString()}`;
}

/**
 * A socket that gives up when nothing arrives for longer than any statement may take: Node cannot set `TCP_USER_TIMEOUT`, and
 * keep-alives are not sent while data is unacknowledged. Idle connections leave the pool sooner than this.
 */
function silentAtMost(milliseconds: number): net.Socket {
  const socket = new net.Socket();
  socket.setTimeout(milliseconds, () => {
    socket.destroy(new Error('PostgreSQL did not answer in time'));
  });
  return socket;
}
