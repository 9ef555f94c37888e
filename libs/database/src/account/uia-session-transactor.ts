import type { JsonObject } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Writes sessions of the user-interactive authentication API. */
export class UiaSessionTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Opens a session and removes those that have expired. */
  async open(sessionId: string, operation: string, lifetimeMs: number): Promise<void> {
    const now = Date.now();
    await this.transaction.deleteFrom('uia_sessions').where('expires_ts', '<=', now).execute();
    await this.transaction
      .insertInto('uia_sessions')
      .values({ session_id: sessionId, operation, completed: '{}', expires_ts: now + lifetimeMs })
      .execute();
  }

  async recordCompleted(sessionId: string, completed: JsonObject): Promise<void> {
    await this.transaction
      .updateTable('uia_sessions')
      .set({ completed: JSON.stringify(completed) })
      .where('session_id', '=', sessionId)
      .execute();
  }

  async close(sessionId: string): Promise<void> {
    await this.transaction.deleteFrom('uia_sessions').where('session_id', '=', sessionId).execute();
  }
}
