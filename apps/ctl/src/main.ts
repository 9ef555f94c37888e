import { ConfigError } from '@atoll/config';
import { MigrationFailed } from '@atoll/database';
import { CommandFailed } from './command-failed.js';
import { program } from './program.js';

// Whoever read the output has seen enough, as with `| head`.
process.stdout.on('error', () => process.exit());

try {
  await program().parseAsync();
} catch (error) {
  const expected =
    error instanceof CommandFailed || error instanceof ConfigError || error instanceof MigrationFailed;
  if (!expected) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error.cause instanceof Error) process.stderr.write(`${error.cause.message}\n`);
  process.exitCode = 1;
}
