import { type Kysely, sql } from 'kysely';

/** Guests among the accounts: `users.is_guest`. The index finds those who must leave a room. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'ALTER TABLE users ADD COLUMN is_guest boolean NOT NULL DEFAULT false',
    'CREATE INDEX users_guests ON users (user_id) WHERE is_guest',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
