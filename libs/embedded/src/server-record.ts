import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a running server leaves in its data folder, for the next start and for `ctl`. */
export interface ServerRecord {
  pid: number;
  /** The Atoll process that started it. */
  owner: number;
  url: string;
}

const path = (dataDir: string) => join(dataDir, 'server.json');

export async function writeRecord(dataDir: string, record: ServerRecord): Promise<void> {
  const temporary = `${path(dataDir)}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(record), { mode: 0o600 });
  await rename(temporary, path(dataDir));
}

export async function readRecord(dataDir: string): Promise<ServerRecord | undefined> {
  try {
    return JSON.parse(await readFile(path(dataDir), 'utf8')) as ServerRecord;
  } catch {
    return undefined; // none, or cut off by a crash: there is nothing to trust in it
  }
}

export async function removeRecord(dataDir: string): Promise<void> {
  await rm(path(dataDir), { force: true });
}

/** Whether process `pid` lives and its command line contains `name` (a pid may have been given to someone else). */
export function isProcess(pid: number, name: string): boolean {
  let command: string;
  try {
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    command = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout || '';
  }
  return command.includes(name);
}

/**
 * Makes sure that no server runs in `dataDir`: one whose owner died is stopped with `signal`.
 * @throws Error when the owner is alive: two writers must not share a data folder.
 */
export async function releaseDataDir(
  dataDir: string,
  pid: number | undefined,
  name: string,
  signal: NodeJS.Signals,
): Promise<void> {
  if (pid === undefined || !isProcess(pid, name)) return;
  const record = await readRecord(dataDir);
  if (record?.pid !== pid || isProcess(record.owner, 'node')) {
    const owner = record?.pid === pid ? `, started by process ${record.owner}` : '';
    throw new Error(
      `${dataDir} is in use by ${name} process ${pid}${owner}. Stop that one first, or use another ATOLL_DATA_DIR.`,
    );
  }
  process.kill(pid, signal);
  for (let waited = 0; isProcess(pid, name); waited += 50) {
    if (waited > 20_000) throw new Error(`${name} process ${pid} in ${dataDir} does not stop`);
    await sleep(50);
  }
}
