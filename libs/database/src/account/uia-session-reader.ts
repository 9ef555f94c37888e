import type { JsonObject } from '@atoll/matrix';
import type { Database } from '../open-database.js';

/** Reads sessions of the user-interactive authentication API. */
export class UiaSessionReader {
  constructor(private readonly database: Database) {}

  /** The completed stages with what they proved; undefined when the session is unknown, expired or of another operation. */
  async completedStages(sessionId: string, operation: string): Promise<JsonObject | undefined> {
    const row = await this.database.db
      .selectFrom('uia_sessions')
      .select('completed')
      .where('session_id', '=', sessionId)
      .where('operation', '=', operation)
      .where('expires_ts', '>', Date.now())
      .executeTakeFirst();
    return row && (JSON.parse(row.completed) as JsonObject);
  }
}
