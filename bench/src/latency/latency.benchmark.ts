import { below, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { Reader } from '../load/reader.js';
import { SteadyLoad } from '../load/steady-load.js';
import { alternate } from '../measure/alternate.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { sampleLatency, type Latency } from './sample-latency.js';

const WHOLE_CLUSTER = {
  'client-api': 2,
  'room-state': 2,
  'federation-sender': 2,
  'federation-receiver': 1,
  media: 1,
  push: 1,
};
const BACKGROUND_ROOMS = 20;
const BACKGROUND_PER_SECOND = 200;

/** From the start of one user's request to the arrival of the message in another's waiting sync. */
export const latency: Benchmark = {
  name: 'latency',
  title: 'send → visible in another user’s waiting /sync, through the router of a nine-process cluster',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const { cluster } = await startServices(bench, postgres, 'atoll', WHOLE_CLUSTER);
    const http = new HttpLoad(bench, cluster.clientUrl, 256);
    const pair = await newPair(http);
    const background: Awaited<ReturnType<typeof newPair>>[] = [];
    for (let index = 0; index < BACKGROUND_ROOMS; index += 1) background.push(await newPair(http));
    const samples = bench.pick(500, 40);
    const idle = () => sampleLatency(pair, samples);
    const loaded = async () => {
      const load = new SteadyLoad(
        background.map(({ sender, roomId }) => ({ user: sender, roomId })),
        BACKGROUND_PER_SECOND,
      );
      try {
        return await sampleLatency(pair, samples);
      } finally {
        const rate = load.stop();
        bench.progress(`background: ${Math.round(rate)} messages/s, ${load.failed} failed`);
      }
    };
    const measured = await alternate(bench.pick(5, 2), { idle, loaded });
    remark(bench, samples);
    return [
      ...figures('idle', measured.idle, true),
      ...figures(`${BACKGROUND_PER_SECOND} messages/s beside it`, measured.loaded, false),
    ];
  },
};

/** Two users in a room of their own, one of whom always waits in a sync. */
async function newPair(http: HttpLoad) {
  const [sender, receiver] = [await LoadUser.register(http), await LoadUser.register(http)];
  const roomId = await sender.createPublicRoom();
  await receiver.join(roomId);
  return { sender, roomId, reader: await Reader.start(receiver) };
}

function figures(when: string, passes: readonly Latency[], isGoal: boolean): Figure[] {
  const figure = (what: string, pick: (one: Latency) => number, bound?: number): Figure => ({
    what: `${when}, ${what}`,
    unit: 'ms',
    passes: passes.map(pick),
    ...(isGoal && bound !== undefined && { goal: below(bound, `< ${bound} ms`) }),
  });
  return [
    figure('p50', (one) => one.visible.p50, 10),
    figure('p99', (one) => one.visible.p99, 30),
    figure('answer to the sender, p50', (one) => one.answered.p50),
    figure('answer to the sender, p99', (one) => one.answered.p99),
  ];
}

function remark(bench: Bench, samples: number): void {
  bench.remark(
    `${samples} messages in each pass, one at a time with pauses of 10 to 40 ms; sender, receiver and router are one process.`,
  );
  bench.remark(`Under load: ${BACKGROUND_ROOMS} other rooms, each with a receiver that waits in a sync too.`);
}
