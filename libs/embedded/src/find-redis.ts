import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of `names` found on the PATH (or where distributions put servers), as a full path. */
export function findExecutable(names: readonly string[]): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/bin',
    '/usr/local/bin',
    '/usr/sbin',
  ];
  for (const name of names) {
    for (const folder of folders) {
      try {
        const path = join(folder, name);
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue; // not in this folder
      }
    }
  }
  return undefined;
}

const managers: readonly { tool: string; needsRoot: boolean; commands: string[][] }[] = [
  {
    tool: 'apt-get',
    needsRoot: true,
    commands: [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', 'redis-server'],
    ],
  },
  { tool: 'apk', needsRoot: true, commands: [['add', 'redis']] },
  { tool: 'dnf', needsRoot: true, commands: [['install', '-y', 'valkey']] },
  { tool: 'pacman', needsRoot: true, commands: [['-Sy', '--noconfirm', 'valkey']] },
  { tool: 'brew', needsRoot: false, commands: [['install', 'redis']] },
];

/**
 * The path of `redis-server` or `valkey-server`, installed with the system's package manager when it is missing and
 * that is allowed; `say` is told what is installed.
 * @throws Error with an instruction when there is none and it cannot be installed.
 */
export function ensureRedisServer(say: (line: string) => void = () => undefined): string {
  const servers = ['redis-server', 'valkey-server'];
  const found = findExecutable(servers);
  if (found) return found;

  const root = process.getuid?.() === 0;
  const manager = managers.find(({ tool, needsRoot }) => (root || !needsRoot) && findExecutable([tool]));
  for (const args of manager?.commands ?? []) {
    const tool = manager?.tool ?? '';
    say(`No redis-server here: running ${tool} ${args.join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const result = spawnSync(tool, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    if (result.status !== 0) say(`${tool} failed: ${result.stderr.trim().split('\n').slice(-3).join(' | ')}`);
  }
  const installed = findExecutable(servers);
  if (installed) return installed;
  throw new Error(
    'Atoll needs Redis 6.2 or newer and found neither redis-server nor valkey-server on the PATH. Install one with your ' +
      "system's package manager (for example: sudo apt-get install redis-server), or set ATOLL_REDIS_URL to a running one.",
  );
}
