import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureRedisServer } from './find-redis.js';
import { freePort } from './free-port.js';
import { spawnServer } from './server-process.js';
import { readRecord, releaseDataDir, removeRecord, writeRecord } from './server-record.js';

export interface RedisOptions {
  /** Holds the log and `server.json`; Redis itself writes nothing, for it keeps nothing that PostgreSQL does not. */
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** False: the data folder is removed when the server stops, or when this process dies. Default true. */
  persistent?: boolean;
  /** Default: one that nobody knows. */
  password?: string;
  /** Told when Redis has to be installed. */
  say?: (line: string) => void;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  stop(): Promise<void>;
}

/**
 * Starts a Redis (or Valkey) on the loopback address, behind a password of its own.
 * @throws Error when there is no server program, another live process uses the folder, or it does not come up.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const {
    port = await freePort(),
    persistent = true,
    password = randomBytes(18).toString('base64url'),
  } = options;
  const command = ensureRedisServer(options.say);
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  await releaseDataDir(dataDir, (await readRecord(dataDir))?.pid, basename(command), 'SIGTERM');

  const logFile = join(dataDir, 'redis.log');
  const server = spawnServer({
    command,
    args: ['-'],
    input: configuration(port, dataDir, password),
    logFile,
    stopSignal: 'TERM',
    removeAfterDeath: persistent ? undefined : dataDir,
  });
  while (!(await answersPing(port, password))) {
    if (!server.running())
      throw new Error(`Redis did not start:\n${(await readFile(logFile, 'utf8')).slice(-1000)}`);
    await sleep(10);
  }
  const url = `redis://:${password}@127.0.0.1:${port}`;
  await writeRecord(dataDir, { pid: server.pid, owner: process.pid, url });
  return {
    url,
    port,
    pid: server.pid,
    dataDir,
    async stop() {
      await server.stop('SIGTERM');
      await removeRecord(dataDir);
      if (!persistent) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Given through standard input, so that the password shows in no process list. */
function configuration(port: number, dataDir: string, password: string): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${dataDir}"`,
    `requirepass ${password}`,
    'save ""',
    'appendonly no',
  ]
    .join('\n')
    .concat('\n');
}

function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let received = '';
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.toString();
      if (received.includes('+PONG')) socket.end();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      answer(received.includes('+OK') && received.includes('+PONG'));
    });
  });
}
