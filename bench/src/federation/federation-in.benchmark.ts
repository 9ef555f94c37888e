import type { RoomId } from '@atoll/matrix';
import { atLeast, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { RoomLoad } from '../load/room-load.js';
import { alternate } from '../measure/alternate.js';
import { cpuSeconds, cpuSecondsOfTree } from '../measure/processes.js';
import { countCpu, type CpuShare } from '../room-state/cpu-share.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { deliver, joinAll, openOrigin, type Origin, prepare } from './inbound-rooms.js';
import { startPeers, trusting } from './peers.js';

const ORIGINS = 4;
const ROOMS = 50;

interface Pass {
  readonly accepted: number;
  readonly answered: number;
  readonly cpu: CpuShare;
}

/** Events of other servers through one receiver and one room-state process, from /send to their place in the room. */
export const federationIn: Benchmark = {
  name: 'federation-in',
  title: 'events per second from other servers, through one receiver and one room-state process',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const peers = await startPeers(bench, ORIGINS);
    const { cluster, redisPid } = await startServices(
      bench,
      postgres,
      'atoll',
      { 'room-state': 1, 'federation-receiver': 1 },
      trusting(peers.map(({ certificateFile }) => certificateFile)),
    );
    const load = await RoomLoad.connect(bench, cluster);
    const newOrigins = (count: number) =>
      Promise.all(peers.slice(0, count).map((peer) => openOrigin(bench, cluster, peer)));
    const newRoom = async (origins: readonly Origin[]) => {
      const [room] = await load.createRooms(1);
      const joined = await joinAll(
        cluster,
        origins.map(({ server }) => server),
        room?.roomId as RoomId,
      );
      for (const [index, { rooms }] of origins.entries()) rooms.push(...joined.slice(index, index + 1));
    };
    bench.progress(`joining ${ROOMS + 2} rooms`);
    const [many, alone, branches] = [
      await newOrigins(ORIGINS),
      await newOrigins(1),
      await newOrigins(ORIGINS),
    ];
    for (let index = 0; index < ROOMS; index += 1) {
      await newRoom(many.slice(index % ORIGINS, (index % ORIGINS) + 1));
    }
    await newRoom(alone);
    await newRoom(branches);

    const [events, branched] = bench.pick([2000, 200], [400, 80]);
    const passes: Record<'many' | 'alone' | 'branches', Pass[]> = { many: [], alone: [], branches: [] };
    const pid = (service: 'room-state' | 'federation-receiver') => cluster.instances(service)[0]?.pid ?? 0;
    const pass =
      (name: keyof typeof passes, origins: readonly Origin[], events: number) => async (warmUp: boolean) => {
        const prepared = await Promise.all(origins.map((one) => prepare(one, events / origins.length)));
        const stop = countCpu({
          'room-state': () => cpuSeconds(pid('room-state')),
          'federation-receiver': () => cpuSeconds(pid('federation-receiver')),
          PostgreSQL: () => cpuSecondsOfTree(postgres.pid),
          Redis: () => cpuSeconds(redisPid),
          load: () => cpuSeconds(process.pid),
        });
        const { answered, accepted } = await deliver(cluster, load.database, prepared);
        const perSecond = (ms: number) => (events / ms) * 1000;
        const result = { accepted: perSecond(accepted), answered: perSecond(answered), cpu: stop(events) };
        if (!warmUp) passes[name].push(result);
        bench.progress(`${name}: ${Math.round(result.accepted)} events/s`);
      };
    await alternate(bench.pick(3, 2), {
      many: pass('many', many, events),
      alone: pass('alone', alone, events),
      branches: pass('branches', branches, branched),
    });
    remarks(bench, events, branched);
    return figures(passes);
  },
};

function figures({ many, alone, branches }: Record<'many' | 'alone' | 'branches', Pass[]>): Figure[] {
  const goal = atLeast(1000, '≥ 1,000/s');
  const rate = (what: string, of: Pass[], step: 'accepted' | 'answered'): Figure => ({
    what: `${what}, ${step}`,
    unit: 'events/s',
    passes: of.map((one) => one[step]),
    ...(step === 'accepted' && { goal }),
  });
  const cases = [
    [`${ROOMS} rooms, ${ORIGINS} servers`, many],
    ['one hot room, one server', alone],
    [`one hot room, ${ORIGINS} servers on a branch each`, branches],
  ] as const;
  const programs = ['federation-receiver', 'room-state', 'PostgreSQL', 'Redis', 'load'];
  return [
    ...cases.flatMap(([what, of]) => [rate(what, of, 'accepted'), rate(what, of, 'answered')]),
    ...cases.flatMap(([what, of]) => [
      ...programs.map((program) => ({
        what: `processor time of ${program} per event, ${what}`,
        unit: 'µs',
        passes: of.map(({ cpu }) => cpu.perEvent[program] ?? NaN),
      })),
      {
        what: `share of the machine in use, ${what}`,
        unit: '%',
        passes: of.map(({ cpu }) => cpu.machine * 100),
      },
    ]),
  ];
}

function remarks(bench: Bench, events: number, branched: number): void {
  bench.remark(
    `${events} events of about 1 KB in each pass (${branched} on branches), room version 12, built and signed before; transactions of 50, one in flight from each server over a connection that stays open.`,
  );
  bench.remark(
    'On branches: the servers write from one common event on, and no one takes in what the others write meanwhile.',
  );
  bench.remark(
    'Accepted: until all of them have their places in their rooms; answered: until the last transaction is. Writing and signing the requests is in the processor time of the load.',
  );
}
