import {
  canonicalJson,
  generateSigningKey,
  lenientCanonicalJson,
  verifySignature,
} from '@atoll/event-crypto';
import type { JsonObject, RoomEvent, ServerName } from '@atoll/matrix';
import {
  authorizeEvent,
  type EventDraft,
  hashDraft,
  resolveState,
  type RoomVersionRules,
  rulesOf,
  signHashedEvent,
  verifyEventSignatures,
} from '@atoll/room-rules';
import { atLeast, below, type Benchmark, type Figure } from '../benchmark.js';
import { alternate, type Variant } from '../measure/alternate.js';
import { closedLoop } from '../measure/closed-loop.js';
import { LargeRoom } from './large-room.js';
import { callsPerSecond, milliseconds } from './throughput.js';

const SERVER = 'example.org' as ServerName;
/** Enough for libuv's threads. */
const IN_FLIGHT = 64;
const CONFLICTS = 100;
const FORKED_ROOM = 100_000;
/** Power levels that each branch of the fork sets. */
const PROMOTIONS = 10;

/** Authorisation, hashes, signatures and state resolution, in this process. */
export const rules: Benchmark = {
  name: 'rules',
  title: 'room rules in memory: authorise, hash, sign, verify, resolve',
  async run(bench) {
    const rules12 = rulesFor('12');
    const seconds = bench.pick(3, 0.3);
    const rates = await alternate(bench.pick(5, 2), rateVariants(rules12, seconds));
    const times = await alternate(bench.pick(5, 2), {
      ...resolutionVariants('v2.1', rules12, bench.pick([10_000, 100_000], [10_000])),
      ...resolutionVariants('v2', rulesFor('11'), bench.pick([10_000, 100_000], [10_000])),
      ...resolutionVariants('v1', rulesFor('1'), [10_000]),
      ...powerLevelForks(bench.pick([rules12, rulesFor('11'), rulesFor('1')], [rules12])),
    });
    bench.remark(
      'One thread but for signatures, which libuv’s four threads make and check; events of about 1 KB.',
    );
    const goals = {
      'authorise a message': atLeast(100_000, '≥ 100,000/s'),
      [resolutionName('v2.1', 10_000)]: below(100, '< 100 ms'),
      [resolutionName('v2', 10_000)]: below(100, '< 100 ms'),
    };
    const figure =
      (unit: string) =>
      (entry: [string, number[]]): Figure => {
        const [what, passes] = entry;
        const goal = goals[what];
        return { what, unit, passes, ...(goal && { goal }) };
      };
    return [...Object.entries(rates).map(figure('per second')), ...Object.entries(times).map(figure('ms'))];
  },
};

function rateVariants(rules12: RoomVersionRules, seconds: number): Record<string, Variant<number>> {
  const room = new LargeRoom(rules12, 1000);
  const content = { msgtype: 'm.text', body: 'x'.repeat(350) };
  const users = Array.from({ length: 512 }, (_, index) => room.userOf(index));
  const messages = users.map((user) => room.event('m.room.message', user, content));
  const joins = users.map((user) => room.event('m.room.member', user, { membership: 'join' }, user));
  const [message] = messages;
  if (!message) throw new Error('there is no message');
  const { hashes, signatures, ...rest } = message.pdu;
  const draft: EventDraft = rest;
  const hashed = hashDraft(draft, rules12);
  const json = message.pdu as JsonObject;
  const key = generateSigningKey();
  const loop = async (once: () => Promise<unknown>) => (await closedLoop(IN_FLIGHT, seconds, once)).perSecond;
  const rate = (call: (index: number) => unknown) => () => Promise.resolve(callsPerSecond(seconds, call));
  const authorise = (events: readonly RoomEvent[]) =>
    rate((index) => authorizeEvent(events[index % events.length] ?? message, room.lookup, rules12));
  return {
    'authorise a message': authorise(messages),
    'authorise a join': authorise(joins),
    'canonical JSON': rate(() => canonicalJson(json)),
    'canonical JSON of room versions 1 to 5': rate(() => lenientCanonicalJson(json)),
    'canonical JSON, content hash and event id': rate(() => hashDraft(draft, rules12)),
    sign: () => loop(() => signHashedEvent(hashed, SERVER, key)),
    'verify a signature': async () => {
      const signature = await key.sign(hashed.signedBytes);
      return loop(async () => {
        mustHold(await verifySignature(hashed.signedBytes, signature, key.publicKey));
      });
    },
    'verify an event of another server': async () => {
      const { pdu } = await signHashedEvent(hashed, SERVER, key);
      const known = { publicKey: key.publicKey };
      return loop(async () => {
        mustHold(!(await verifyEventSignatures(pdu, rules12, () => known)));
      });
    },
  };
}

function resolutionVariants(
  name: string,
  of: RoomVersionRules,
  sizes: readonly number[],
): Record<string, Variant<number>> {
  const variants = sizes.map((size) => {
    const room = new LargeRoom(of, size);
    const [one, other] = [new Map(room.state), new Map(room.state)];
    for (let index = 0; index < CONFLICTS; index += 1) {
      room.join(index, one, 'one');
      room.join(index, other, 'other');
    }
    const resolve = () => Promise.resolve(milliseconds(() => resolveState([one, other], room.events, of)));
    return [resolutionName(name, size), resolve] as const;
  });
  return Object.fromEntries(variants);
}

function powerLevelForks(versions: readonly RoomVersionRules[]): Record<string, Variant<number>> {
  return Object.fromEntries(versions.map(powerLevelFork));
}

/** Both branches of a large room give some members power, one after the other; nobody else disagrees. */
function powerLevelFork(of: RoomVersionRules): [name: string, resolve: Variant<number>] {
  const room = new LargeRoom(of, FORKED_ROOM);
  const [one, other] = [new Map(room.state), new Map(room.state)];
  for (let index = 0; index < PROMOTIONS; index += 1) {
    room.promote(index, 50, one);
    room.promote(PROMOTIONS + index, 50, other);
  }
  const resolve = () => Promise.resolve(milliseconds(() => resolveState([one, other], room.events, of)));
  const name = `resolve a power-level fork, ${FORKED_ROOM.toLocaleString('en-US')} members, ${of.stateResolution}`;
  return [name, resolve];
}

function resolutionName(name: string, size: number): string {
  return `resolve 2 × ${size.toLocaleString('en-US')} keys, ${CONFLICTS} in conflict, ${name}`;
}

function rulesFor(version: string): RoomVersionRules {
  const found = rulesOf(version);
  if (!found) throw new Error(`room version ${version} is not supported`);
  return found;
}

function mustHold(valid: boolean): void {
  if (!valid) throw new Error('a good signature was refused');
}
