import { randomBytes } from 'node:crypto';
import { migrateToLatest, RegistrationTokenTransactor } from '@atoll/database';
import { CommandFailed } from './command-failed.js';
import { print } from './output.js';
import { withDatabase } from './with-database.js';

const TOKEN_BYTES = 12;

/**
 * Makes a token for `ATOLL_REGISTRATION=token` and prints it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration
 */
export async function createRegistrationToken(options: { uses?: string }): Promise<void> {
  const usesAllowed = options.uses === undefined ? null : Number(options.uses);
  if (usesAllowed !== null && (!Number.isSafeInteger(usesAllowed) || usesAllowed < 1)) {
    throw new CommandFailed(`${options.uses ?? ''} is no number of uses`);
  }
  await withDatabase(async ({ db }) => {
    await migrateToLatest(db);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    await db
      .transaction()
      .execute((transaction) =>
        new RegistrationTokenTransactor(transaction).create({ token, usesAllowed, expiresTs: null }),
      );
    print(token);
  });
}
