import { fuzzEvents } from './event-fuzz.spec-support.js';

/** Texts between two lines of progress. */
const BATCH = 10_000;
/** Keeps workers apart: each goes through the seeds from its own one on. */
const STRIDE = 7_919;

/**
 * A process of `npm run fuzz -- events`: changes signed events for so many seconds and prints what became of them; the first
 * that breaks a rule ends it with its seed and text.
 */
const [seconds, seed] = process.argv.slice(2).map(Number) as [number, number];
const until = Date.now() + seconds * 1_000;
for (let done = 0; Date.now() < until; done += BATCH) {
  const counts = await fuzzEvents({ seed: seed * STRIDE + done, iterations: BATCH, until });
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}
