import type { PostgresServer } from '@atoll/embedded';
import { below, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { alternate } from '../measure/alternate.js';
import { closedLoop, inParallel } from '../measure/closed-loop.js';
import { cpuSeconds } from '../measure/processes.js';
import { ratios } from '../measure/spread.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { startTraceSink } from './trace-sink.js';

const IN_FLIGHT = 32;
const ROOMS = 32;

/** What metrics and sampled traces cost a real route. */
export const telemetry: Benchmark = {
  name: 'telemetry',
  title: 'throughput of client-api with metrics and 10 % sampled traces, and without any telemetry',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const sink = await startTraceSink(bench);
    const observed = await start(bench, postgres, 'observed', { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url });
    const preload = new URL('without-telemetry.js', import.meta.url).href;
    const bare = await start(bench, postgres, 'bare', { NODE_OPTIONS: `--import=${preload}` });
    const seconds = bench.pick(5, 1);
    const whoami = (of: Site) => () => of.load(seconds, () => of.user.whoami());
    const send = (of: Site) => () =>
      of.load(seconds, (call) => of.user.send(of.rooms[call % ROOMS] ?? '', 'a message of some length'));
    const measured = await alternate(bench.pick(9, 3), {
      whoami: whoami(observed),
      bareWhoami: whoami(bare),
      send: send(observed),
      bareSend: send(bare),
    });
    if (sink.received() === 0) throw new Error('no trace was exported: nothing was measured');
    bench.remark(
      `${IN_FLIGHT} requests in flight to one client-api and one room-state on each side; ${sink.received()} exports of spans taken.`,
    );
    bench.remark(
      'Without telemetry the same processes run, on an OpenTelemetry whose tracers and meters do nothing.',
    );
    return [
      ...figures('GET whoami', measured.whoami, measured.bareWhoami),
      ...figures('PUT send', measured.send, measured.bareSend),
    ];
  },
};

interface Site {
  readonly user: LoadUser;
  readonly rooms: readonly string[];
  load(seconds: number, once: (call: number) => Promise<unknown>): Promise<Pass>;
}

interface Pass {
  readonly perSecond: number;
  /** Of client-api and room-state together, per request, in µs. */
  readonly processor: number;
}

async function start(
  bench: Bench,
  postgres: PostgresServer,
  name: string,
  env: Record<string, string>,
): Promise<Site> {
  const instances = { 'client-api': 1, 'room-state': 1 };
  const { cluster } = await startServices(bench, postgres, name, instances, env);
  const [clientApi] = cluster.instances('client-api');
  if (!clientApi) throw new Error('there is no client-api');
  const user = await LoadUser.register(new HttpLoad(bench, clientApi.clientUrl, IN_FLIGHT));
  const rooms: string[] = [];
  await inParallel(ROOMS, 4, async () => void rooms.push(await user.createPublicRoom()));
  const pids = (['client-api', 'room-state'] as const).flatMap((service) =>
    cluster.instances(service).map(({ pid }) => pid),
  );
  const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const load: Site['load'] = async (duration, once) => {
    const before = used();
    const { perSecond, done } = await closedLoop(IN_FLIGHT, duration, once);
    return { perSecond, processor: ((used() - before) / done) * 1e6 };
  };
  return { user, rooms, load };
}

function figures(route: string, observed: readonly Pass[], bare: readonly Pass[]): Figure[] {
  const rate = (passes: readonly Pass[]) => passes.map(({ perSecond }) => perSecond);
  const processor = (passes: readonly Pass[]) => passes.map((pass) => pass.processor);
  const cost = ratios(rate(observed), rate(bare)).map((ratio) => (1 - ratio) * 100);
  const more = ratios(processor(observed), processor(bare)).map((ratio) => (ratio - 1) * 100);
  return [
    { what: `${route}, observed`, unit: 'requests/s', passes: rate(observed) },
    { what: `${route}, without telemetry`, unit: 'requests/s', passes: rate(bare) },
    { what: `${route}, loss of throughput`, unit: '%', passes: cost, goal: below(15, '< 15 %') },
    { what: `${route}, processor time per request, observed`, unit: 'µs', passes: processor(observed) },
    { what: `${route}, more processor time`, unit: '%', passes: more },
  ];
}
