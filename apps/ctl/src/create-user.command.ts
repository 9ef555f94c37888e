import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { AccountTransactor, migrateToLatest } from '@atoll/database';
import { isNewUserLocalpart, isUserId, userIdOf } from '@atoll/matrix';
import { hash } from '@node-rs/argon2';
import { CommandFailed } from './command-failed.js';
import { print } from './output.js';
import { askForPassword } from './ask-for-password.js';
import { withDatabase } from './with-database.js';

export interface CreateUserOptions {
  admin: boolean;
  passwordFile?: string;
}

export async function createUser(localpart: string, options: CreateUserOptions): Promise<void> {
  await withDatabase(async (database, config) => {
    const userId = userIdOf(localpart, config.serverName);
    if (!isNewUserLocalpart(localpart) || !isUserId(userId)) {
      throw new CommandFailed(`${userId} is no user id: use a-z, 0-9 and . _ = / + -`);
    }
    const password = await readPassword(options.passwordFile);
    // Argon2id, which is what this library does unless told otherwise.
    const passwordHash = await hash(password, {
      memoryCost: config.passwordHashMemoryKib,
      timeCost: config.passwordHashIterations,
    });
    await migrateToLatest(database.db);
    const created = await database.db
      .transaction()
      .execute((transaction) =>
        new AccountTransactor(transaction).create({ userId, passwordHash, isAdmin: options.admin }),
      );
    if (!created) throw new CommandFailed(`${userId} exists already`);
    print(`created ${userId}${options.admin ? ', an administrator' : ''}`);
  });
}

async function readPassword(file: string | undefined): Promise<string> {
  if (file === undefined) return askForPassword();
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  const password = content.replace(/\r?\n$/, '');
  if (password === '') throw new CommandFailed('the password is empty');
  return password;
}
