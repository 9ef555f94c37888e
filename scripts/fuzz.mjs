// `npm run fuzz [-- histories|events] [--histories 1000000] [--minutes 10] [--workers 2] [--seed 1]`: the long runs of the
// properties that `npm test` runs for seconds. docs/fuzzing.md says what they check and what came out.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { install, root, say } from './prepare.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    histories: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '10' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
});
const runs = {
  histories: ['history-worker', Math.ceil(Number(values.histories) / Number(values.workers))],
  events: ['event-worker', Number(values.minutes) * 60],
};
const unknown = positionals.filter((name) => !Object.hasOwn(runs, name));
if (unknown.length > 0) {
  say(`nothing to fuzz is called ${unknown.join(', ')}; there are: ${Object.keys(runs).join(' ')}`);
  process.exit(64);
}

await install();
let failed = false;
for (const name of positionals.length > 0 ? positionals : Object.keys(runs)) await fuzz(name);
process.exit(failed ? 1 : 0);

/** Runs the workers of one kind, adds up the numbers that they print, and says so once in a while. */
async function fuzz(name) {
  const [worker, amount] = runs[name];
  const began = Date.now();
  const totals = {};
  const report = () =>
    say(`${name}: ${JSON.stringify(totals)} after ${Math.round((Date.now() - began) / 1000)} s`);
  const timer = setInterval(report, 60_000);
  const children = Array.from({ length: Number(values.workers) }, (_, index) =>
    run(worker, [amount, Number(values.seed) + index * 1_000_000], totals),
  );
  const codes = await Promise.all(children);
  clearInterval(timer);
  report();
  if (codes.some((code) => code !== 0)) failed = true;
  say(`${name}: ${codes.every((code) => code === 0) ? 'no counterexample' : 'FAILED'}, seed ${values.seed}`);
}

function run(worker, args, totals) {
  const file = join(root, 'libs/room-rules/src/fuzz', `${worker}.spec-support.ts`);
  const loader = join(root, 'scripts/run-typescript.mjs');
  const child = spawn(
    process.execPath,
    ['--conditions=@atoll/source', '--import', loader, file, ...args.map(String)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (last = (last + text).slice(-20_000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const [what, count] of Object.entries(JSON.parse(line))) {
      if (typeof count === 'number') totals[what] = (totals[what] ?? 0) + count;
    }
  });
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      if (code !== 0) process.stderr.write(last);
      resolve(code ?? 1);
    });
  });
}
