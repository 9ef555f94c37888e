import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import { commitFailure, hasEndedSession } from './database-errors.js';
import type { PreparedStatements } from './prepared-statements.js';

/** Statements for the end of a transaction; `done` gets the rows of each once the transaction is committed. */
export interface Closing {
  readonly statements: readonly string[];
  readonly done: (rows: readonly (readonly unknown[])[]) => void;
}

const MODIFYING = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** A pooled connection while Kysely uses it. */
export class PoolConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #prepared: PreparedStatements;
  #discarded = false;
  /** What ended the session, once a statement has failed of it: a COMMIT would be sent in vain. */
  #lost: Error | undefined;
  #closing: Closing | undefined;

  constructor(client: pg.PoolClient, prepared: PreparedStatements) {
    this.#client = client;
    this.#prepared = prepared;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.#send<R & pg.QueryResultRow>(query);
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
   *
   * @throws CommitInDoubt when the connection was lost on the way
   */
  async commit(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const closing = this.#closing;
    this.#closing = undefined;
    const message = [...(closing?.statements ?? []), 'commit'].join(';\n');
    const results = await this.#sendCommit(message);
    if (results.at(-1)?.command === 'ROLLBACK') throw new AbortedTransactionError();
    closing?.done(results.map((result) => result.rows as unknown[]));
  }

  async #send<R extends pg.QueryResultRow>(query: CompiledQuery): Promise<pg.QueryResult<R>> {
    try {
      return await this.#client.query<R>({
        name: this.#prepared.nameOf(query.sql),
        text: query.sql,
        values: [...query.parameters],
      });
    } catch (error) {
      if (hasEndedSession(error)) this.#lost = error as Error;
      throw error;
    }
  }

  async #sendCommit(message: string): Promise<pg.QueryResult[]> {
    try {
      const answer = (await this.#client.query(message)) as pg.QueryResult | pg.QueryResult[];
      return Array.isArray(answer) ? answer : [answer];
    } catch (error) {
      throw commitFailure(error);
    }
  }

  discard(): void {
    this.#discarded = true;
  }

  release(): void {
    this.#closing = undefined;
    this.#client.release(this.#discarded);
  }
}
