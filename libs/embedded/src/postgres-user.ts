import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

export interface PostgresUser {
  uid: number;
  gid: number;
}

export interface UserCommand {
  command: string;
  args: string[];
  uid?: number;
  gid?: number;
}

const setpriv = '/usr/bin/setpriv';

/**
 * Whom PostgreSQL runs as, for it refuses root: ourselves (undefined) without root, else the owner of an existing
 * cluster, else the system's `postgres` or `nobody`.
 */
export function postgresUser(cluster: string): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('PostgreSQL refuses to run as root and there is no user "postgres" or "nobody" here');
}

/**
 * How to run `command` as `user`. Where a folder above it or above the cluster is closed to that user (a clone in
 * root's home), the process is lent the capability to pass through.
 * @throws Error when the system cannot lend it.
 */
export function commandAs(
  user: PostgresUser | undefined,
  command: string,
  args: string[],
  cluster: string,
): UserCommand {
  if (!user) return { command, args };
  const closed = closedFolder(command) ?? closedFolder(cluster);
  if (!closed) return { command, args, ...user };
  if (!existsSync(setpriv)) {
    throw new Error(
      `PostgreSQL cannot run as root, and user ${user.uid} cannot enter ${closed}: ` +
        'run Atoll as another user or from another folder, or set ATOLL_DATABASE_URL',
    );
  }
  const become = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const pass = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  return { command: setpriv, args: [...become, ...pass, command, ...args] };
}

function closedFolder(path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}
