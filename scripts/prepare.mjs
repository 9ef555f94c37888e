// Set-up that every command does itself; plain Node >= 20, without dependencies, for it installs them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const bin = (name) => join(root, 'node_modules', '.bin', name);
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node');

export function say(line) {
  process.stderr.write(`atoll: ${line}\n`);
}

/** npm writes a lock file of its own into node_modules when an installation is complete. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden) || !existsSync(ownNode)) return false;
  const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const there = packages(hidden);
  return Object.entries(packages(join(root, 'package-lock.json'))).every(
    ([path, wanted]) =>
      !path.includes('node_modules/') || wanted.optional || there[path]?.version === wanted.version,
  );
}

/** Continues on the Node.js that package.json pins, where this process runs on another one. */
async function continueOnOwnNode() {
  if (realpathSync(process.execPath) === realpathSync(ownNode)) return;
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
  await replaceBy(ownNode, process.argv.slice(1), { PATH: path });
}

/** Runs a command in this process's stead and ends with its status. */
export async function replaceBy(command, args, env = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  // A Ctrl-C reaches the child too; this process only waits until it has stopped everything.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const status = await new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
  process.exit(status);
}

/** Compiles what has changed, specs included, and says whether that went well. */
export function build() {
  return run(bin('tsc'), ['-b', 'tsconfig.json']);
}

/** Dependencies and the right Node.js. */
export async function install() {
  if (!isInstalled()) {
    say('installing dependencies (npm ci)');
    if (!run('npm', ['ci', '--no-audit', '--no-fund'])) process.exit(1);
  }
  await continueOnOwnNode();
}

/**
 * What every command that runs servers needs: dependencies, the right Node.js, a Redis program, and these projects compiled,
 * with all that they refer to.
 */
export async function prepare(...projects) {
  await install();
  const configurations = projects.map((project) => `${project}/tsconfig.build.json`);
  if (!run(bin('tsc'), ['-b', ...configurations])) process.exit(1);
  const { ensureRedisServer } = await importBuilt('libs/embedded');
  ensureRedisServer(say);
}

/** A project's compiled entry. */
export function importBuilt(project, file = 'index.js') {
  return import(pathToFileURL(join(root, project, 'dist', file)).href);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['inherit', 2, 2] });
  if (status !== 0) say(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
  return status === 0;
}
