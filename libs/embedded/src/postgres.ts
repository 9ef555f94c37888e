import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.js';
import { postgresBinaries } from './postgres-binaries.js';
import { defaultSettings } from './postgres-settings.js';
import { commandAs, postgresUser } from './postgres-user.js';
import { spawnServer, type ServerProcess } from './server-process.js';
import { releaseDataDir, removeRecord, writeRecord } from './server-record.js';

export interface PostgresOptions {
  /** Holds the cluster, its password, its log and `server.json`. */
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** False: the data folder is removed when the server stops, or when this process dies. */
  persistent: boolean;
  /** Server settings beside or instead of the defaults, as in postgresql.conf. */
  settings?: Record<string, string>;
}

export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** The connection URL of a database. */
  url(database: string): string;
  /** Creates the database unless it is there, and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** A fast shutdown: open transactions are rolled back. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on the loopback address; the first start in a folder creates the cluster.
 * @throws Error when another live process uses the folder, or the server does not come up (with the end of its log).
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const cluster = join(dataDir, 'cluster');
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  await releaseDataDir(dataDir, await clusterPid(cluster), 'postgres', 'SIGINT');
  await rm(join(cluster, 'postmaster.pid'), { force: true });
  const password = await initialise(dataDir, cluster);

  const port = options.port ?? (await freePort());
  const server = await run(dataDir, cluster, port, options);
  const url = (database: string) => `postgres://atoll:${password}@127.0.0.1:${port}/${database}`;
  await writeRecord(dataDir, { pid: server.pid, owner: process.pid, url: url('atoll') });
  return {
    port,
    pid: server.pid,
    dataDir,
    url,
    async createDatabase(name) {
      await createDatabase(url('postgres'), name);
      return url(name);
    },
    async stop() {
      await server.stop('SIGINT');
      await removeRecord(dataDir);
      if (!options.persistent) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Creates a database over an administrative connection, unless it is there; as a copy of `template` if one is named. */
export async function createDatabase(adminUrl: string, name: string, template?: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    const copied = template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(template)}`;
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}${copied}`);
  } finally {
    await client.end();
  }
}

/** The password of the cluster, which is created where there is none or where its creation was cut off. */
async function initialise(dataDir: string, cluster: string): Promise<string> {
  const passwordFile = join(dataDir, 'password');
  const complete = join(dataDir, 'initialised');
  if (existsSync(complete)) return (await readFile(passwordFile, 'utf8')).trim();

  await rm(cluster, { recursive: true, force: true });
  const password = randomBytes(18).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await mkdir(cluster, { mode: 0o700 });
  const user = postgresUser(cluster);
  if (user) for (const path of [cluster, passwordFile]) chownSync(path, user.uid, user.gid);
  const args = [
    `--pgdata=${cluster}`,
    '--username=atoll',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
  ];
  args.push('--encoding=UTF8', '--locale=C', '--no-instructions');
  const { command, args: all, ...as } = commandAs(user, postgresBinaries().initdb, args, cluster);
  await promisify(execFile)(command, all, { ...as, cwd: '/' });
  await writeFile(complete, '');
  return password;
}

async function run(
  dataDir: string,
  cluster: string,
  port: number,
  { persistent, settings = {} }: PostgresOptions,
): Promise<ServerProcess> {
  const args = ['-D', cluster, '-p', String(port)];
  for (const [name, value] of Object.entries({ ...defaultSettings, ...settings }))
    args.push('-c', `${name}=${value}`);
  const logFile = join(dataDir, 'postgres.log');
  const server = spawnServer({
    ...commandAs(postgresUser(cluster), postgresBinaries().postgres, args, cluster),
    logFile,
    stopSignal: 'INT',
    removeAfterDeath: persistent ? undefined : dataDir,
  });
  while (!(await isReady(cluster))) {
    if (!server.running()) {
      const log = await readFile(logFile, 'utf8');
      throw new Error(
        `PostgreSQL did not start in ${dataDir}:\n${log.trim().split('\n').slice(-8).join('\n')}`,
      );
    }
    await sleep(20);
  }
  return server;
}

async function pidFile(cluster: string): Promise<string[]> {
  try {
    return (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n');
  } catch {
    return [];
  }
}

async function clusterPid(cluster: string): Promise<number | undefined> {
  const [pid] = await pidFile(cluster);
  return pid ? Number(pid) : undefined;
}

/** The eighth line of postmaster.pid is what `pg_ctl --wait` looks at too. */
async function isReady(cluster: string): Promise<boolean> {
  return (await pidFile(cluster))[7]?.trim() === 'ready';
}
