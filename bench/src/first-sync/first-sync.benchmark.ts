import type { UserId } from '@atoll/matrix';
import { atLeast, type Benchmark, type Figure } from '../benchmark.js';
import { eventLoopDelay } from '../measure/event-loop-delay.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { RoomLoad } from '../load/room-load.js';
import { inParallel } from '../measure/closed-loop.js';
import { residentMB } from '../measure/processes.js';
import { median } from '../measure/spread.js';
import { startOneOfEach } from '../servers/services.js';
import { FIRST_SYNC_FILTER, TIMELINE } from './first-sync-filter.js';

const AT_ONCE = 20;

/** What a client of before sliding sync asks for when its user logs in. */
export const firstSync: Benchmark = {
  name: 'first-sync',
  title: 'first /v3/sync of an account with 300 rooms of 300 members',
  async run(bench) {
    const [rooms, members] = bench.pick([300, 300], [20, 20]);
    const { cluster, clientApi } = await startOneOfEach(bench);
    const http = new HttpLoad(bench, clientApi.clientUrl, AT_ONCE);
    const load = await RoomLoad.connect(bench, cluster);
    const user = await LoadUser.register(http);
    bench.progress(`making ${rooms} rooms of ${members}`);
    const made = await load.createRooms(rooms);
    await inParallel(rooms, 32, async (index) => {
      const room = made[index];
      if (!room) return;
      await load.join(room.roomId, user.userId);
      for (let n = 2; n < members; n += 1) {
        await load.join(room.roomId, `@member${n}:${load.serverName}` as UserId);
      }
      for (let n = 0; n < TIMELINE; n += 1) await load.message(room, `message ${n}`);
    });

    const figures: Figure[] = [];
    const passes = bench.pick(5, 2);
    const alone: number[] = [];
    const together: { p50: number; slowest: number; perSecond: number; delay: number }[] = [];
    let told = 0;
    for (let pass = 0; pass <= passes; pass += 1) {
      const one = await timed(user);
      await eventLoopDelay(clientApi.metricsUrl);
      const began = performance.now();
      const many = await Promise.all(Array.from({ length: AT_ONCE }, () => timed(user)));
      const seconds = (performance.now() - began) / 1000;
      told = Math.min(one.rooms, ...many.map((answer) => answer.rooms));
      // The first pass warms up.
      if (pass === 0) continue;
      const times = many.map(({ ms }) => ms);
      alone.push(one.ms);
      together.push({
        p50: median(times),
        slowest: Math.max(...times),
        perSecond: AT_ONCE / seconds,
        delay: (await eventLoopDelay(clientApi.metricsUrl)) * 1000,
      });
      bench.progress(
        `alone ${Math.round(one.ms)} ms, ${AT_ONCE} at once ${Math.round(Math.max(...times))} ms`,
      );
    }
    const figure = (what: string, unit: string, values: number[]) =>
      figures.push({ what, unit, passes: values });
    figure('one alone', 'ms', alone);
    const each = (pick: (pass: (typeof together)[number]) => number) => together.map(pick);
    figure(
      `${AT_ONCE} at once, p50`,
      'ms',
      each(({ p50 }) => p50),
    );
    figure(
      `${AT_ONCE} at once, the slowest`,
      'ms',
      each(({ slowest }) => slowest),
    );
    figure(
      `${AT_ONCE} at once, answers`,
      '/s',
      each(({ perSecond }) => perSecond),
    );
    figure(
      'longest delay of the event loop of client-api',
      'ms',
      each(({ delay }) => delay),
    );
    figure('memory of client-api afterwards', 'MB', [residentMB(clientApi.pid)]);
    figures.push({ what: 'rooms in every answer', unit: '', passes: [told], goal: atLeast(rooms, 'all') });
    bench.remark(
      `Timeline of ${TIMELINE}, lazily loaded members; one client-api; no answer is remembered from one request to the next.`,
    );
    return figures;
  },
};

async function timed(user: LoadUser): Promise<{ ms: number; rooms: number }> {
  const began = performance.now();
  const answer = await user.sync(undefined, 0, FIRST_SYNC_FILTER);
  return { ms: performance.now() - began, rooms: Object.keys(answer.rooms?.join ?? {}).length };
}
