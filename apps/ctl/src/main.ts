import { ConfigError } from '@atoll/config';
import { InstallationMismatch, MigrationFailed, SchemaOutdated } from '@atoll/database';
import { CommandFailed } from './command-failed.js';
import { program } from './program.js';

// Whoever read the output has seen enough, as with `| head`.
process.stdout.on('error', () => process.exit());

const expected = [CommandFailed, ConfigError, InstallationMismatch, MigrationFailed, SchemaOutdated];

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof Error) || !expected.some((kind) => error instanceof kind)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error.cause instanceof Error) process.stderr.write(`${error.cause.message}\n`);
  process.exitCode = 1;
}
