import fc from 'fast-check';
import { checkBannedSender, checkHistory } from '../resolve/check-history.spec-support.js';
import { scenario } from '../resolve/scenario.spec-support.js';
import { supportedRoomVersions } from '../room-version-rules.js';

/** Histories between two lines of progress, and those of which one is also taken for the property of banned users. */
const BATCH = 2_000;
const BANS_AMONG = 5;

/**
 * A process of `npm run fuzz -- histories`: checks generated histories of all room versions in turn and prints how many it
 * has checked; a counterexample ends it with the seed and the path that repeat it.
 */
const [histories, seed] = process.argv.slice(2).map(Number) as [number, number];
let bans = 0;
for (let done = 0, batch = 0; done < histories; batch += 1) {
  const rules = supportedRoomVersions[batch % supportedRoomVersions.length];
  if (rules === undefined) break;
  const numRuns = Math.min(BATCH, histories - done);
  let index = 0;
  const property = fc.property(scenario, (one) => {
    checkHistory(one, rules);
    index += 1;
    if (rules.stateResolution === 'v1' || index % BANS_AMONG !== 0) return;
    if (checkBannedSender(one, rules)) bans += 1;
  });
  process.stderr.write(`version ${rules.version}, seed ${seed + batch}\n`);
  fc.assert(property, { numRuns, seed: seed + batch, endOnFailure: false });
  done += numRuns;
  process.stdout.write(`${JSON.stringify({ histories: numRuns, version: rules.version, bans })}\n`);
  bans = 0;
}
