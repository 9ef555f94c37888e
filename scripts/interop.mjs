// `npm run interop -- [--only step,step] [--versions 10,11,12] [--host atoll|synapse] [--servers atoll,synapse]`: a real Synapse
// and Atoll federate on this machine; docs/interoperability.md says what they do. Synapse comes from PyPI into .interop/, which
// may be removed at any time.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, replaceBy, root, say } from './prepare.mjs';

const folder = join(root, '.interop');
const python = join(folder, 'venv', 'bin', 'python');

await prepare('apps/all-in-one', 'e2e');
if (!hasSynapse()) installSynapse();
const options = ['--python', python, '--folder', join(folder, 'run'), ...process.argv.slice(2)];
await replaceBy(process.execPath, [join(root, 'e2e/dist/interop/main.js'), ...options]);

function hasSynapse() {
  return existsSync(python) && succeeds(python, ['-c', 'import synapse'], 'ignore');
}

function installSynapse() {
  say(`installing Synapse into ${folder}`);
  const makeEnvironment = () => succeeds('python3', ['-m', 'venv', '--clear', join(folder, 'venv')]);
  if (!makeEnvironment() && !(installVenv() && makeEnvironment())) {
    say('Synapse needs Python 3.10 or newer with venv (for example: sudo apt-get install python3-venv)');
    process.exit(69);
  }
  if (!succeeds(python, ['-m', 'pip', 'install', '--quiet', 'matrix-synapse'])) process.exit(69);
}

/** Debian ships venv as a package of its own; it is installed where that is allowed. */
function installVenv() {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  say('installing python3-venv (apt-get)');
  const install = ['install', '-y', '-q', '--no-install-recommends', 'python3-venv'];
  return succeeds('apt-get', ['update', '-q']) && succeeds('apt-get', install);
}

function succeeds(command, args, output = 2) {
  return spawnSync(command, args, { stdio: ['ignore', output, output] }).status === 0;
}
