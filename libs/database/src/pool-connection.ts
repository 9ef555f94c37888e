import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';

/** Statements for the end of a transaction; `done` gets the rows of each once the transaction is committed. */
export interface Closing {
  readonly statements: readonly string[];
  readonly done: (rows: readonly (readonly unknown[])[]) => void;
}

const MODIFYING = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** A pooled connection while Kysely uses it. */
export class PoolConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  #discarded = false;
  #closing: Closing | undefined;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.#client.query<R & pg.QueryResultRow>(query.sql, [
      ...query.parameters,
    ]);
    return MODIFYING.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0), rows } : { rows };
  }

  /** Reads of many rows page by key; nothing here keeps a cursor open. */
  streamQuery(): never {
    throw new Error('streaming is not supported');
  }

  /** Sends these with the next COMMIT, in one message. */
  closeWith(closing: Closing): void {
    this.#closing = closing;
  }

  /**
   * A message without parameters goes by the simple protocol: the server starts on it only once it has arrived whole, COMMIT
   * included, so a client that stops halfway leaves nothing locked.
   */
  async commit(): Promise<void> {
    const closing = this.#closing;
    this.#closing = undefined;
    const message = [...(closing?.statements ?? []), 'commit'].join(';\n');
    const answer = (await this.#client.query(message)) as pg.QueryResult | pg.QueryResult[];
    const results = Array.isArray(answer) ? answer : [answer];
    if (results.at(-1)?.command === 'ROLLBACK') throw new AbortedTransactionError();
    closing?.done(results.map(({ rows }) => rows));
  }

  discard(): void {
    this.#discarded = true;
  }

  release(): void {
    this.#closing = undefined;
    this.#client.release(this.#discarded);
  }
}
