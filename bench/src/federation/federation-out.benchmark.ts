import type { UserId } from '@atoll/matrix';
import { build } from 'hdr-histogram-js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Benchmark, Figure } from '../benchmark.js';
import { scrape } from '../load/metrics.js';
import { cpuSeconds, cpuSecondsOfTree } from '../measure/processes.js';
import { countCpu, type CpuShare } from '../room-state/cpu-share.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { Deliveries } from './deliveries.js';
import { startDestinations } from './many-destinations.js';
import { trusting } from './peers.js';
import { watchMemory } from './watch-memory.js';
import { WrittenRooms } from './written-rooms.js';

const FILLER = 'a message of some length '.repeat(14);
const PER_SECOND = 20;
const PATIENCE_MS = 30_000;
const POLL_MS = 20;

/** Events of one local user to a server of each other member, some of which are dead. */
export const federationOut: Benchmark = {
  name: 'federation-out',
  title: 'events to 1,000 other servers, 30 % of which are dead, from one federation-sender process',
  async run(bench) {
    const count = bench.pick(
      { live: 700, refusing: 150, silent: 150 },
      { live: 70, refusing: 15, silent: 15 },
    );
    const events = bench.pick(10, 2) * PER_SECOND;
    // The first event opens the connections, and finds out who is dead.
    const deliveries = new Deliveries(count.live, events + 1);
    const destinations = await startDestinations(bench, count, (received) => {
      deliveries.note(received);
    });
    const postgres = await startDurablePostgres(bench);
    const { cluster, redisPid } = await startServices(
      bench,
      postgres,
      'atoll',
      { 'federation-sender': 1 },
      trusting([destinations.certificateFile]),
    );
    const [sender] = cluster.instances('federation-sender');
    if (!sender) throw new Error('there is no federation-sender');
    const rooms = WrittenRooms.open(bench, cluster);
    bench.progress('writing the room');
    const names = [...destinations.live, ...destinations.refusing, ...destinations.silent];
    const room = await rooms.create(names.map((name) => `@user:${name}` as UserId));
    const memory = watchMemory(sender.pid);

    const commit = async (event: number) => {
      await rooms.say(room, [Deliveries.textOf(event, FILLER)]);
      return performance.now();
    };
    const first = await commit(0);
    await complete(deliveries, 1);
    if (!deliveries.areComplete(1)) throw new Error('the first event did not come everywhere');
    const cold = deliveries.completeAt(0) - first;
    bench.progress(`the first event was everywhere after ${Math.round(cold)} ms`);

    const stop = countCpu({
      'federation-sender': () => cpuSeconds(sender.pid),
      PostgreSQL: () => cpuSecondsOfTree(postgres.pid),
      Redis: () => cpuSeconds(redisPid),
      load: () => cpuSeconds(process.pid),
    });
    const handshakes = () => scrape(sender.metricsUrl, 'atoll_federation_tls_handshakes_total');
    const handshakesBefore = await handshakes();
    const before = { delivered: deliveries.delivered, transactions: deliveries.transactions };
    const started = performance.now();
    const committed: number[] = [];
    for (let event = 1; event <= events; event += 1) {
      await sleep(Math.max(0, started + (event * 1000) / PER_SECOND - performance.now()));
      committed.push(await commit(event));
    }
    await complete(deliveries);
    const ended = performance.now();
    const delivered = deliveries.delivered - before.delivered;
    const transactions = deliveries.transactions - before.transactions;
    // What is sent twice comes late.
    await sleep(1000);
    const cpu = stop(delivered);
    remarks(bench, { ...count, events });
    return figures({
      cold,
      perSecond: (delivered / (ended - started)) * 1000,
      perTransaction: delivered / transactions,
      handshakes: ((await handshakes()) - handshakesBefore) / transactions,
      // What has not come everywhere has taken at least so long.
      times: committed.map((at, index) => (deliveries.completeAt(index + 1) || ended) - at),
      cpu,
      memory: { before: memory.before, highest: memory.stop().highest },
      missing: deliveries.missing,
      doubled: deliveries.doubled,
    });
  },
};

async function complete(deliveries: Deliveries, below?: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  // What is missing after that is in the table.
  while (!deliveries.areComplete(below) && performance.now() < deadline) await sleep(POLL_MS);
}

interface Measured {
  readonly cold: number;
  readonly perSecond: number;
  readonly perTransaction: number;
  /** TLS connections made for a transaction. */
  readonly handshakes: number;
  readonly times: readonly number[];
  readonly cpu: CpuShare;
  readonly memory: { before: number; highest: number };
  readonly missing: number;
  readonly doubled: number;
}

function figures({
  cold,
  perSecond,
  perTransaction,
  handshakes,
  times,
  cpu,
  memory,
  missing,
  doubled,
}: Measured): Figure[] {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000 });
  for (const time of times) histogram.recordValue(Math.max(0, Math.round(time)));
  const figure = (what: string, unit: string, value: number): Figure => ({ what, unit, passes: [value] });
  const none = { text: '0', reached: (value: number) => value === 0 };
  return [
    figure('events × live destinations', 'per second', perSecond),
    figure('events in a transaction', '', perTransaction),
    figure('new connections per transaction', '', handshakes),
    figure('from commit to the last live destination, p50', 'ms', histogram.getValueAtPercentile(50)),
    figure('from commit to the last live destination, p99', 'ms', histogram.getValueAtPercentile(99)),
    figure('the same for the first event, without connections', 'ms', cold),
    { ...figure(`not delivered ${PATIENCE_MS / 1000} s after the last event`, '', missing), goal: none },
    { ...figure('delivered twice', '', doubled), goal: none },
    ...Object.entries(cpu.perEvent).map(([program, value]) =>
      figure(`processor time of ${program} per event and destination`, 'µs', value),
    ),
    figure('share of the machine in use', '%', cpu.machine * 100),
    figure('federation-sender, before the first event', 'MB', memory.before),
    figure('federation-sender, highest', 'MB', memory.highest),
  ];
}

function remarks(
  bench: Bench,
  { live, refusing, silent, events }: Record<'live' | 'refusing' | 'silent' | 'events', number>,
): void {
  bench.remark(
    `${events} events of about 600 bytes, ${PER_SECOND} a second, in a room with one user of each of ${live + refusing + silent} servers: ${live} answer, ${refusing} refuse connections, ${silent} take them and say nothing.`,
  );
  bench.remark(
    'A first event has opened the connections; the dead ones are tried again all the while, as back-off has it. The rows are written by the benchmark, which is all live destinations too.',
  );
}
