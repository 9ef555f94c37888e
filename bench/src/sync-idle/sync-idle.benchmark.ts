import { setTimeout as sleep } from 'node:timers/promises';
import { atLeast, below, type Benchmark, type Figure, type Goal } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { scrape } from '../load/metrics.js';
import { inParallel } from '../measure/closed-loop.js';
import { cpuSeconds, residentMB } from '../measure/processes.js';
import { startOneOfEach } from '../servers/services.js';
import { WaitingClients } from './waiting-clients.js';

const ROOM_SIZE = 50;
const GOAL_MB = 512;

/** Clients that wait for news which do not come. */
export const syncIdle: Benchmark = {
  name: 'sync-idle',
  title: 'waiting /sync connections of one client-api process while nothing happens',
  async run(bench) {
    const sizes = bench.pick([1000, 5000, 10_000], [200]);
    // Whoever begins to wait comes online, of which the others of the room are told: with presence, nobody is left waiting.
    const { clientApi } = await startOneOfEach(bench, { ATOLL_PRESENCE: 'off' });
    const setUp = new HttpLoad(bench, clientApi.clientUrl, 16);
    const users: LoadUser[] = [];
    const rooms: { roomId: string; creator: LoadUser }[] = [];
    const figures: Figure[] = [];
    const figure = (what: string, unit: string, value: number, goal?: Goal) =>
      figures.push({ what, unit, passes: [value], ...(goal && { goal }) });
    const seconds = bench.pick(20, 4);

    for (const size of sizes) {
      bench.progress(`registering users up to ${size}`);
      await addUsers(setUp, size, users, rooms);
      // A process that has served nobody yet: no memory of the registrations counts.
      await clientApi.restart();
      await sleep(bench.pick(10_000, 1000));
      const before = residentMB(clientApi.pid);
      if (size === sizes[0]) {
        figure('0 clients: memory', 'MB', before);
        figure('0 clients: processor', '%', await processorShare(clientApi.pid, seconds));
      }
      const since = (await users[0]?.sync(undefined, 0))?.next_batch ?? '';
      const clients = new WaitingClients(bench, clientApi.clientUrl, users.slice(0, size));
      bench.progress(`${size} clients begin to wait`);
      await clients.open(since);
      const waiting = await settled(clientApi.metricsUrl, size);
      const share = await processorShare(clientApi.pid, seconds);
      const memory = residentMB(clientApi.pid);
      const name = size.toLocaleString('en-US');
      figure(`${name} clients: waiting`, '', waiting, atLeast(size, 'all'));
      figure(`${name} clients: answered while nothing happened`, '', clients.ended, below(1, '0'));
      const largest = size === 10_000 ? below(GOAL_MB, '< 512 MB') : undefined;
      figure(`${name} clients: memory`, 'MB', memory, largest);
      figure(`${name} clients: memory for each`, 'kB', ((memory - before) / size) * 1000);
      figure(`${name} clients: processor`, '%', share);
      figure(
        `${name} clients: woken by a message to a room of ${ROOM_SIZE}`,
        '',
        await wake(clients, rooms, size),
        atLeast(ROOM_SIZE, 'all'),
      );
      await clients.close();
    }
    bench.remark(
      `Presence is off. Each client is a user of its own, with a connection of its own, in a room of ${ROOM_SIZE}; processor: share of one core over ${seconds} s.`,
    );
    return figures;
  },
};

async function addUsers(
  http: HttpLoad,
  size: number,
  users: LoadUser[],
  rooms: { roomId: string; creator: LoadUser }[],
): Promise<void> {
  await inParallel((size - users.length) / ROOM_SIZE, 8, async () => {
    const creator = await LoadUser.register(http);
    const roomId = await creator.createPublicRoom();
    const members = [creator];
    for (let index = 1; index < ROOM_SIZE; index += 1) {
      const member = await LoadUser.register(http);
      await member.join(roomId);
      members.push(member);
    }
    users.push(...members);
    rooms.push({ roomId, creator });
  });
}

/** Waits until the process says that it holds so many long polls, or gives up and says how many. */
async function settled(metricsUrl: string, size: number): Promise<number> {
  let waiting = 0;
  for (let look = 0; look < 60 && waiting < size; look += 1) {
    await sleep(500);
    waiting = await scrape(metricsUrl, 'atoll_http_requests_in_flight');
  }
  // What was made in getting there may be collected now.
  await sleep(5000);
  return waiting;
}

async function processorShare(pid: number, seconds: number): Promise<number> {
  const before = cpuSeconds(pid);
  await sleep(seconds * 1000);
  return ((cpuSeconds(pid) - before) / seconds) * 100;
}

async function wake(
  clients: WaitingClients,
  rooms: readonly { roomId: string; creator: LoadUser }[],
  size: number,
): Promise<number> {
  const before = clients.ended;
  const room = rooms[Math.floor(size / ROOM_SIZE) - 1];
  await room?.creator.send(room.roomId, 'news');
  await sleep(2000);
  return clients.ended - before;
}
