import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';

/** A server child that cannot outlive this process. */
export interface ServerProcess {
  readonly pid: number;
  /** False once the server has exited, for whatever reason. */
  running(): boolean;
  /** Sends `signal` and resolves when the server is gone; it is killed after `timeoutMs`. */
  stop(signal: NodeJS.Signals, timeoutMs?: number): Promise<void>;
}

export interface ServerCommand {
  command: string;
  args: string[];
  /** What the server reads from its standard input. */
  input?: string;
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv;
  logFile: string;
  uid?: number | undefined;
  gid?: number | undefined;
  /** The signal that the watchdog sends when this process has died. */
  stopSignal: 'INT' | 'TERM' | 'KILL';
  /** A folder that the watchdog removes after that. */
  removeAfterDeath?: string | undefined;
}

// Reads its standard input until this process closes it by dying, even by SIGKILL; then stops the server.
const watchdogScript = `while read -r _; do :; done
kill -s "$2" "$1" 2>/dev/null
if [ -n "$3" ]; then
  n=0; while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
  rm -rf "$3"
fi`;

/**
 * Starts a server in its own session (a Ctrl-C in the terminal must reach this process first) with a watchdog beside it.
 * Neither keeps the event loop alive.
 */
export function spawnServer(server: ServerCommand): ServerProcess {
  const log = openSync(server.logFile, 'a', 0o600);
  const child = spawn(server.command, server.args, {
    detached: true,
    stdio: [server.input === undefined ? 'ignore' : 'pipe', log, log],
    env: server.env ?? process.env,
    ...(server.uid === undefined ? {} : { uid: server.uid, gid: server.gid }),
  });
  closeSync(log);
  // The log and the caller's deadline tell of a child that could not start.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(server.input);
  child.unref();
  if (child.pid === undefined) throw new Error(`cannot start ${server.command}`);

  const watchdog = startWatchdog(child.pid, server);
  child.once('exit', () => watchdog.kill('SIGKILL'));
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid,
    running,
    async stop(signal, timeoutMs = 20_000) {
      if (!running()) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await exited;
      clearTimeout(deadline);
    },
  };
}

function startWatchdog(pid: number, server: ServerCommand): ChildProcess {
  const watchdog = spawn(
    '/bin/sh',
    ['-c', watchdogScript, 'atoll-watchdog', String(pid), server.stopSignal, server.removeAfterDeath ?? ''],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  watchdog.on('error', () => undefined);
  watchdog.unref();
  const pipe = watchdog.stdin as { unref?: () => void } | null;
  pipe?.unref?.();
  return watchdog;
}
