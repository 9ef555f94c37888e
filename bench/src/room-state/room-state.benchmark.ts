import { sql } from 'kysely';
import { atLeast, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { BareInserts } from '../inserts/bare-inserts.js';
import { RoomLoad } from '../load/room-load.js';
import { alternate } from '../measure/alternate.js';
import { median, ratios } from '../measure/spread.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { type Pass, type PassLoad, RoomStateUnderLoad } from './room-state-under-load.js';

const ROOMS = 500;
/** As many commands as a process takes in hand at once. */
const MANY = 1024;
/** One room may not take more than half of that. */
const HOT = 500;
const FEW = 128;
/** With the envelope of an event of room version 12 this makes about 1,000 bytes of JSON. */
const BODY = 'a message of some length '.repeat(14);

/** Events through room-state processes, durable, against bare inserts in the same run. */
export const roomState: Benchmark = {
  name: 'room-state',
  title: 'events per second through room-state processes, commands over Redis Streams',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const bare = await BareInserts.open(postgres);
    const services = await startServices(bench, postgres, 'atoll', { 'room-state': 2 });
    const { cluster, redisPid } = services;
    const load = await RoomLoad.connect(bench, cluster);
    bench.progress(`creating ${ROOMS} rooms`);
    const rooms = await load.createRooms(ROOMS);
    const [hot] = rooms;
    if (!hot) throw new Error('there is no room');
    const seconds = bench.pick(8, 1.5);
    const service = new RoomStateUnderLoad(
      cluster,
      load,
      { postgres: postgres.pid, redis: redisPid },
      seconds,
    );
    const passes: Passes = { many: [], few: [], hot: [], two: [] };
    const pass = (name: keyof Passes, of: PassLoad) => async (warmUp: boolean) => {
      const result = await service.pass(of, BODY);
      if (!warmUp) passes[name].push(result);
      const { perSecond, batch } = result;
      bench.progress(`${name}: ${Math.round(perSecond)} events/s in batches of ${Math.round(batch)}`);
      if (name === 'many') lastBatch = batch;
      return perSecond;
    };
    let lastBatch = 0;
    const insert = (writers: number) => async () =>
      bare.run({
        writers,
        batch: Math.max(1, Math.round(lastBatch)),
        rooms: ROOMS,
        jsonBytes: await meanJsonBytes(load),
        seconds,
      });
    const measured = await alternate(bench.pick(5, 2), {
      many: pass('many', { processes: 1, rooms, inFlight: MANY }),
      few: pass('few', { processes: 1, rooms, inFlight: FEW }),
      hot: pass('hot', { processes: 1, rooms: [hot], inFlight: HOT }),
      oneWriter: insert(1),
      twoWriters: insert(2),
      two: pass('two', { processes: 2, rooms, inFlight: MANY }),
    });
    remarks(bench, passes, await meanJsonBytes(load));
    return figures(measured, passes);
  },
};

async function meanJsonBytes({ database }: RoomLoad): Promise<number> {
  const { rows } = await sql<{ mean: number }>`
    SELECT avg(octet_length(json))::int AS mean FROM events WHERE type_nid = 6`.execute(database.db);
  return rows[0]?.mean ?? 0;
}

type Passes = Record<'many' | 'few' | 'hot' | 'two', Pass[]>;
type Measured = Record<keyof Passes | 'oneWriter' | 'twoWriters', number[]>;

function figures(measured: Measured, passes: Passes): Figure[] {
  const { many, few, hot, two, oneWriter, twoWriters } = measured;
  const bare = oneWriter.map((one, index) => Math.max(one, twoWriters[index] ?? 0));
  const perSecond = (what: string, values: number[]): Figure => ({ what, unit: 'events/s', passes: values });
  const cpu = (what: string, of: Pass[], program: string): Figure => ({
    what: `processor time of ${program} per event, ${what}`,
    unit: 'µs',
    passes: of.map((one) => one.cpu.perEvent[program] ?? NaN),
  });
  const machine = (what: string, of: Pass[]): Figure => ({
    what: `share of the machine in use, ${what}`,
    unit: '%',
    passes: of.map((one) => one.cpu.machine * 100),
  });
  const programs = ['room-state', 'PostgreSQL', 'Redis', 'load'];
  return [
    perSecond('one process, many rooms', many),
    perSecond(`one process, many rooms, ${FEW} in flight`, few),
    perSecond('one process, one hot room', hot),
    perSecond('two processes, many rooms', two),
    perSecond('bare inserts, one writer', oneWriter),
    perSecond('bare inserts, two writers', twoWriters),
    { what: 'many rooms / bare inserts', unit: '', passes: ratios(many, bare), goal: atLeast(0.5, '≥ 0.5') },
    { what: 'many rooms / bare inserts of one writer', unit: '', passes: ratios(many, oneWriter) },
    { what: 'hot room / many rooms', unit: '', passes: ratios(hot, many), goal: atLeast(0.5, '≥ 0.5') },
    { what: 'two processes / one', unit: '', passes: ratios(two, many), goal: atLeast(1.7, '≥ 1.7') },
    { what: 'events in a commit, many rooms', unit: '', passes: passes.many.map(({ batch }) => batch) },
    {
      what: `events in a commit, many rooms, ${FEW} in flight`,
      unit: '',
      passes: passes.few.map(({ batch }) => batch),
    },
    ...programs.map((program) => cpu('one process, many rooms', passes.many, program)),
    machine('one process, many rooms', passes.many),
    ...programs.map((program) => cpu('two processes', passes.two, program)),
    machine('two processes', passes.two),
  ];
}

function remarks(bench: Bench, passes: Passes, jsonBytes: number): void {
  const batch = Math.round(median(passes.many.map((one) => one.batch)));
  bench.remark(
    `${MANY} commands in flight from one load process where nothing else is said (${HOT} to the hot room), ${ROOMS} rooms, ${jsonBytes} bytes of JSON per event, each with a transaction id.`,
  );
  bench.remark(
    `Bare inserts: batches of ${batch} as room-state made them; the ratio takes the faster of one and two writers.`,
  );
}
