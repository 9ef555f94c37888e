import { atLeast, below, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { RoomLoad } from '../load/room-load.js';
import { alternate } from '../measure/alternate.js';
import { closedLoop, inParallel } from '../measure/closed-loop.js';
import { median } from '../measure/spread.js';
import { startOneOfEach } from '../servers/services.js';
import { FIRST_SYNC_FILTER, TIMELINE } from '../first-sync/first-sync-filter.js';
import { at, claimStorm, CLAIMED_AT_ONCE } from './claim-storm.js';
import { queryKeys, sendToDevices, uploadIdentityKeys } from './device-requests.js';

const SENDERS = 32;
const CLAIMANTS = 50;
const RECIPIENTS = [1, 100];
const REPEATED = 20;

/** What clients ask of the server so that rooms can be encrypted. */
export const encryption: Benchmark = {
  name: 'encryption',
  title: 'keys of devices, and messages to them',
  async run(bench) {
    const [members, rooms] = bench.pick([1000, 1000], [100, 30]);
    const { cluster, clientApi } = await startOneOfEach(bench);
    const http = new HttpLoad(bench, clientApi.clientUrl, CLAIMANTS);
    const load = await RoomLoad.connect(bench, cluster);
    bench.progress(`registering ${members} users, who are in one room`);
    const devices: LoadUser[] = [];
    const [room] = await load.createRooms(1);
    if (!room) throw new Error('there is no room');
    await inParallel(members, 8, async () => {
      const user = await LoadUser.register(http);
      await uploadIdentityKeys(user);
      await load.join(room.roomId, user.userId);
      devices.push(user);
    });

    const figures = [
      ...(await queries(bench, devices, () => clientApi.restart())),
      ...(await messages(bench, devices)),
      ...(await claims(bench, devices)),
      ...(await firstSyncs(bench, load, at(devices, 0), rooms)),
    ];
    bench.remark(
      `One client-api, one room-state, one push; the clients are one process on the same machine. Messages of about 1 kB by ${SENDERS} senders at a time; ` +
        `claims of ${CLAIMED_AT_ONCE} devices a request until all keys are given out; /sync of a device that has just logged in, with a timeline of ${TIMELINE} and lazily loaded members.`,
    );
    return figures;
  },
};

async function queries(
  bench: Bench,
  devices: readonly LoadUser[],
  restart: () => Promise<void>,
): Promise<Figure[]> {
  const [reader, userIds] = [at(devices, 0), devices.map(({ userId }) => userId)];
  const [cold, repeated, told]: number[][] = [[], [], []];
  for (let pass = 0; pass < bench.pick(5, 2); pass += 1) {
    await restart();
    await reader.whoami();
    const query = async () => {
      const began = performance.now();
      told?.push(await queryKeys(reader, userIds));
      return performance.now() - began;
    };
    cold?.push(await query());
    const times: number[] = [];
    for (let n = 0; n < REPEATED; n += 1) times.push(await query());
    repeated?.push(median(times));
    bench.progress(`query: first ${cold?.at(-1)} ms, then ${repeated?.at(-1)} ms`);
  }
  const what = `/keys/query for a room of ${devices.length}`;
  return [
    { what: `${what}, the first of a process`, unit: 'ms', passes: cold ?? [] },
    { what: `${what}, repeated, p50`, unit: 'ms', passes: repeated ?? [] },
    {
      what: 'devices in every answer',
      unit: '',
      passes: [Math.min(...(told ?? []))],
      goal: atLeast(devices.length, 'all'),
    },
  ];
}

async function messages(bench: Bench, devices: readonly LoadUser[]): Promise<Figure[]> {
  const send = (recipients: number) => async () => {
    const { perSecond } = await closedLoop(SENDERS, bench.pick(15, 3), (call) =>
      sendToDevices(
        at(devices, call),
        Array.from({ length: recipients }, (_, n) => at(devices, call * recipients + n)),
      ),
    );
    bench.progress(`${recipients} devices a request: ${Math.round(perSecond)} requests/s`);
    return perSecond * recipients;
  };
  const measured = await alternate(
    bench.pick(5, 1),
    Object.fromEntries(RECIPIENTS.map((recipients) => [String(recipients), send(recipients)])),
  );
  return RECIPIENTS.map((recipients) => ({
    what: `messages to devices, ${recipients} a request`,
    unit: '/s',
    passes: measured[String(recipients)] ?? [],
  }));
}

async function claims(bench: Bench, devices: readonly LoadUser[]): Promise<Figure[]> {
  const [count, keysEach] = bench.pick([500, 40], [50, 20]);
  const claimants = devices.slice(-CLAIMANTS);
  const { storms } = await alternate(bench.pick(5, 1), {
    storms: async () => {
      const storm = await claimStorm(claimants, devices.slice(0, count), keysEach);
      bench.progress(`claims: ${Math.round(storm.keysPerSecond)} keys/s`);
      return storm;
    },
  });
  const [twice, nobody] = [
    storms.map(({ duplicates }) => duplicates),
    storms.map(({ notGiven }) => notGiven),
  ];
  return [
    {
      what: `one-time keys claimed by ${CLAIMANTS} clients`,
      unit: '/s',
      passes: storms.map(({ keysPerSecond }) => keysPerSecond),
    },
    { what: 'keys given more than once', unit: '', passes: [Math.max(...twice)], goal: below(1, 'none') },
    { what: 'keys given to nobody', unit: '', passes: [Math.max(...nobody)], goal: below(1, 'none') },
  ];
}

async function firstSyncs(bench: Bench, load: RoomLoad, user: LoadUser, count: number): Promise<Figure[]> {
  bench.progress(`making ${count} encrypted rooms`);
  const rooms = await load.createRooms(count);
  await inParallel(count, 32, async (index) => {
    const room = rooms[index];
    if (!room) return;
    await load.state(room, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
    await load.join(room.roomId, user.userId);
  });
  const times: number[] = [];
  let told = Infinity;
  for (let pass = 0; pass <= bench.pick(5, 2); pass += 1) {
    const device = await user.newDevice();
    await uploadIdentityKeys(device);
    const began = performance.now();
    const answer = await device.sync(undefined, 0, FIRST_SYNC_FILTER);
    // The first pass warms up.
    if (pass > 0) times.push(performance.now() - began);
    told = Math.min(told, Object.keys(answer.rooms?.join ?? {}).length);
  }
  return [
    { what: `first /sync of a new device in ${count} encrypted rooms`, unit: 'ms', passes: times },
    { what: 'rooms in every answer', unit: '', passes: [told], goal: atLeast(count, 'all') },
  ];
}
