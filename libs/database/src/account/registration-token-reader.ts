import type { Database } from '../open-database.js';

/** Reads registration tokens. */
export class RegistrationTokenReader {
  constructor(private readonly database: Database) {}

  /** Whether an account could be registered with it now. */
  async isValid(token: string): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('registration_tokens')
      .select('token')
      .where('token', '=', token)
      .where((eb) => eb.or([eb('uses_allowed', 'is', null), eb('uses', '<', eb.ref('uses_allowed'))]))
      .where((eb) => eb.or([eb('expires_ts', 'is', null), eb('expires_ts', '>', Date.now())]))
      .executeTakeFirst();
    return row !== undefined;
  }
}
