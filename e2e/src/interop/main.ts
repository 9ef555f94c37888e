import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { askFederation } from '../ask-federation.js';
import { playStep, type Outcome } from './play-step.js';
import { outcomeLine, table } from './report.js';
import { Scene } from './scene.js';
import type { Homeserver, Surroundings } from './servers/homeserver.js';
import { makeCertificates } from './servers/make-certificates.js';
import { startAtoll } from './servers/start-atoll.js';
import { startSynapse } from './servers/start-synapse.js';
import { steps } from './steps/steps.js';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    folder: { type: 'string', default: '.interop/run' },
    servers: { type: 'string', default: 'atoll,synapse' },
    versions: { type: 'string', default: '10,11,12' },
    host: { type: 'string' },
    only: { type: 'string' },
  },
});
const kinds: Record<string, typeof startSynapse> = { atoll: startAtoll, synapse: startSynapse };
const only = values.only?.split(',') ?? steps.map(({ name }) => name);
const wrong = [
  ...only.filter((name) => !steps.some((step) => step.name === name)),
  ...values.servers.split(',').filter((kind) => !Object.hasOwn(kinds, kind)),
];
if (wrong.length > 0) {
  say(
    `unknown: ${wrong.join(' ')}; servers: atoll synapse; steps: ${steps.map(({ name }) => name).join(' ')}`,
  );
  process.exit(64);
}

const running: Homeserver[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(130)));
}
try {
  await startServers();
  const outcomes = await playAll();
  const count = (wanted: Outcome['result']) => outcomes.filter(({ result }) => result === wanted).length;
  say(`\n${table(outcomes)}\n\n${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`);
  process.exitCode = count('fail') > 0 ? 1 : 0;
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
} finally {
  await stopAll();
}
process.exit();

async function startServers(): Promise<void> {
  await rm(values.folder, { recursive: true, force: true });
  await mkdir(values.folder, { recursive: true });
  const certificates = await makeCertificates(values.folder);
  for (const [index, kind] of values.servers.split(',').entries()) {
    const folder = join(values.folder, `${index + 1}-${kind}`);
    await mkdir(folder);
    const surroundings: Surroundings = { folder, certificates, python: values.python };
    const label = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
    const name = running.some((server) => server.name === label) ? `${label} ${index + 1}` : label;
    const server = await kinds[kind]?.(name, surroundings);
    if (server === undefined) continue;
    running.push(server);
    const { body } = await askFederation('GET', `https://${server.serverName}/_matrix/federation/v1/version`);
    say(`${server.name} is ${server.serverName}: ${JSON.stringify(body['server'])}`);
  }
}

async function playAll(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scene of scenes()) {
    for (const step of steps.filter(({ name }) => only.includes(name))) {
      const outcome = await playStep(step, scene);
      outcomes.push(outcome);
      say(outcomeLine(outcome));
    }
  }
  return outcomes;
}

/** Each room version with a room of each of the two servers, or of the one that the command line names. */
function scenes(): Scene[] {
  const [first, second] = running;
  if (first === undefined || second === undefined) throw new Error('two servers are needed');
  return values.versions
    .split(',')
    .flatMap((version) =>
      [new Scene(version, first, second), new Scene(version, second, first)].filter(
        ({ host }) => values.host === undefined || host.name.toLowerCase() === values.host.toLowerCase(),
      ),
    );
}

async function stopAll(): Promise<void> {
  await Promise.allSettled(running.splice(0).map((server) => server.stop()));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
