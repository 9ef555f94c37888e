import { expect, it } from '@jest/globals';
import { fuzzEvents } from './event-fuzz.spec-support.js';

/** `npm run fuzz -- events` goes on from here with other seeds, for as long as one likes. */
it('changed events are refused, or are what their servers signed', async () => {
  const counts = await fuzzEvents({ seed: 1, iterations: 3_000 });
  expect(counts['texts']).toBe(3_000);
  // Were nearly nothing to parse or to verify, nothing would have been checked.
  for (const [what, least] of Object.entries({
    parsed: 1_000,
    'verified, whole': 100,
    'verified, redacted': 100,
    'needs no signature': 20,
    'not signed as it must be': 300,
  })) {
    expect(counts[what] ?? 0).toBeGreaterThan(least);
  }
});

it('the same seed makes the same texts', async () => {
  const options = { seed: 77, iterations: 100 };
  expect(await fuzzEvents(options)).toEqual(await fuzzEvents(options));
});
