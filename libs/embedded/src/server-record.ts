import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
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

/** Whether process `pid` lives and, as pids are given out again, is the program `name`; a zombie does not live. */
export function isProcess(pid: number, name?: string): boolean {
  const program = basename(commandLine(pid).split(/[\0 ]/)[0] ?? '');
  return name === undefined ? program !== '' : program === name;
}

function commandLine(pid: number): string {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // there is no such process
    }
  }
  return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout;
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
  if (record?.pid !== pid || isProcess(record.owner)) {
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
