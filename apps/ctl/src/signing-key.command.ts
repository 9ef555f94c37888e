import { writeFile } from 'node:fs/promises';
import { formatSigningKey, generateSigningKey } from '@atoll/event-crypto';
import { CommandFailed } from './command-failed.js';
import { print } from './output.js';

/** @throws CommandFailed when the file exists: a lost signing key cannot be made again */
export async function generateKey(file?: string): Promise<void> {
  const key = generateSigningKey();
  if (file === undefined) {
    process.stdout.write(formatSigningKey(key));
    return;
  }
  try {
    await writeFile(file, formatSigningKey(key), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CommandFailed(`cannot write ${file}`, { cause: error });
  }
  print(`${key.keyId} written to ${file}`);
}
