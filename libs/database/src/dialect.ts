import { PostgresDialect } from 'kysely';
import type pg from 'pg';
import { PoolDriver } from './pool-driver.js';

/** Kysely's PostgreSQL dialect over {@link PoolDriver}. */
export class AtollDialect extends PostgresDialect {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): PoolDriver {
    return new PoolDriver(this.#pool);
  }
}
