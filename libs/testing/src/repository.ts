import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of this repository. */
export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * The arguments with which Node.js starts an app: its telemetry preload, then its entry.
 * @throws Error when the app is not built.
 */
export function appArguments(app: string, ...args: string[]): string[] {
  const built = join(repositoryRoot, 'apps', app, 'dist');
  const main = join(built, 'main.js');
  if (!existsSync(main)) throw new Error(`${app} is not built: run \`npm run build\` first`);
  const preload = join(built, 'telemetry.js');
  return [...(existsSync(preload) ? ['--import', preload] : []), main, ...args];
}
