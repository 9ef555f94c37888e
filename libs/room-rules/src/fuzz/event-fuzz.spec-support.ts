import type { Pdu } from '@atoll/matrix';
import { parseEvent, parseEventText } from '../event/parse-event.js';
import { supportedRoomVersions, type RoomVersionRules } from '../room-version-rules.js';
import { EventChecks } from './event-checks.spec-support.js';
import { mutatedEvent } from './event-mutations.spec-support.js';
import { forged, originalsOf, type Original } from './event-originals.spec-support.js';
import { Random } from './event-random.spec-support.js';
import { mutatedText } from './event-text-mutations.spec-support.js';

export interface FuzzOptions {
  readonly seed: number;
  /** How many texts to try; or give `until`. */
  readonly iterations?: number;
  /** When to stop, as `Date.now()` counts. */
  readonly until?: number;
}

/** `texts` tried, `parsed`, what became of these, and `refused: …` by what was wrong with the others. */
export type FuzzCounts = Record<string, number>;

/** Far more than the largest event needs: what takes longer does not end in time for a server. */
const TOO_SLOW_MS = 2_000;

interface Version {
  readonly rules: RoomVersionRules;
  readonly originals: readonly Original[];
  readonly checks: EventChecks;
}

/**
 * Changes signed events of every room version and checks what the parser and the signature path make of them. The same seed
 * makes the same texts, and `iterations: 1` with the seed of an error repeats it.
 * @throws Error with the seed and the text of the first that breaks a rule
 */
export async function fuzzEvents({
  seed,
  iterations = Infinity,
  until = Infinity,
}: FuzzOptions): Promise<FuzzCounts> {
  const counts: FuzzCounts = {};
  const versions = await Promise.all(supportedRoomVersions.map(prepare));
  const prototypes = prototypeKeys();
  for (let index = 0; index < iterations && Date.now() < until; index += 1) {
    const random = new Random(seed + index);
    const version = versions[(seed + index) % versions.length] as Version;
    const text = await changed(version, random);
    count(counts, 'texts');
    try {
      for (const what of await tried(text, version)) count(counts, what);
      if (prototypeKeys() !== prototypes) throw new Error('a prototype was changed');
    } catch (cause) {
      const where = `seed ${seed + index}, room version ${version.rules.version}`;
      throw new Error(`${where}: ${String(cause)}\n${JSON.stringify(text)}`, { cause });
    }
  }
  return counts;
}

async function prepare(rules: RoomVersionRules): Promise<Version> {
  const originals = await originalsOf(rules);
  return { rules, originals, checks: new EventChecks(rules, originals) };
}

/** A signed event with changes to its structure, its text or both; in between, its changer may hash and sign it. */
async function changed({ rules, originals, checks }: Version, random: Random): Promise<string> {
  const { text } = random.pick(originals);
  const { text: other } = random.pick(originals);
  const kind = random.below(8);
  if (kind < 3) return mutatedText(text, other, random);
  const event = mutatedEvent(text, other, random);
  if (kind < 6) return JSON.stringify(event);
  const result = parseEvent(event, rules);
  if ('problem' in result) return JSON.stringify(event);
  const signed = await forged(result.event, rules);
  checks.addSigned(onlyBy('evil.org', signed));
  return kind === 6 ? JSON.stringify(signed) : mutatedText(JSON.stringify(signed), other, random);
}

function onlyBy(server: string, pdu: Pdu): Pdu {
  return { ...pdu, signatures: { [server]: pdu.signatures[server] ?? {} } };
}

async function tried(text: string, { rules, checks }: Version): Promise<string[]> {
  const began = performance.now();
  const result = parseEventText(text, rules);
  if (performance.now() - began > TOO_SLOW_MS) throw new Error('parsing took too long');
  if ('problem' in result) return [`refused: ${kindOf(result.problem)}`];
  return ['parsed', await checks.check(text, result.event)];
}

/** A problem without the values that it names. */
function kindOf(problem: string): string {
  if (problem.includes('is not an integer within')) return 'number';
  return problem.split(' must ')[0] ?? problem;
}

function count(counts: FuzzCounts, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

function prototypeKeys(): string {
  const prototypes = [
    Object.prototype,
    Array.prototype,
    String.prototype,
    Number.prototype,
    Function.prototype,
  ];
  return prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String).join()).join(';');
}
