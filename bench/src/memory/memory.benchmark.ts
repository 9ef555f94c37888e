import { setTimeout as sleep } from 'node:timers/promises';
import { startAllInOne } from '@atoll/testing';
import { below, type Benchmark } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { Reader } from '../load/reader.js';
import { SteadyLoad } from '../load/steady-load.js';
import { inParallel } from '../measure/closed-loop.js';
import { childrenOf, commandOf, proportionalMB, residentMB } from '../measure/processes.js';

const USERS = 250;
const ROOMS = 10;
const MESSAGES_PER_SECOND = 5;

/** Memory of the small box: everything in one process, with the PostgreSQL and Redis that it starts. */
export const memory: Benchmark = {
  name: 'memory',
  title: `memory of all-in-one with ${USERS} users`,
  async run(bench) {
    const allInOne = await startAllInOne({ env: { ATOLL_RATE_LIMITS: 'off' } });
    bench.atEnd(() => allInOne.stop());
    const { pid } = allInOne.process;
    const serverOf = (command: string) =>
      childrenOf(pid).filter((child) => commandOf(child).startsWith(command));
    const servers = (command: string) => serverOf(command).reduce((sum, one) => sum + proportionalMB(one), 0);
    const figures: { what: string; unit: string; passes: number[]; goal?: ReturnType<typeof below> }[] = [];
    const note = (when: string, node: number, goal?: number) => {
      const bound = goal !== undefined && { goal: below(goal, `< ${goal} MB`) };
      figures.push({ what: `Node.js, ${when}`, unit: 'MB', passes: [node], ...bound });
      figures.push({ what: `PostgreSQL, ${when}`, unit: 'MB', passes: [servers('postgres')] });
      figures.push({ what: `Redis, ${when}`, unit: 'MB', passes: [servers('redis') + servers('valkey')] });
    };
    note('just started', residentMB(pid));

    const http = new HttpLoad(bench, allInOne.clientUrl, USERS + 50);
    const users: LoadUser[] = [];
    await inParallel(USERS, 4, async () => void users.push(await LoadUser.register(http)));
    const rooms: { user: LoadUser; roomId: string }[] = [];
    for (const user of users.slice(0, ROOMS)) rooms.push({ user, roomId: await user.createPublicRoom() });
    await inParallel(USERS, 4, async (index) => {
      // The first room is everybody's; the others are shared by a tenth.
      for (const room of new Set([rooms[0], rooms[index % ROOMS]])) {
        if (room) await users[index]?.join(room.roomId);
      }
    });
    note(`right after ${USERS} registrations and ${USERS * 2 - USERS / ROOMS} joins`, residentMB(pid));
    await sleep(bench.pick(60_000, 3000));
    note('idle', residentMB(pid), 256);

    const readers = await Promise.all(users.map((user) => Reader.start(user)));
    await sleep(bench.pick(30_000, 2000));
    note(`idle, ${USERS} clients waiting in a sync`, residentMB(pid), 256);

    const load = new SteadyLoad(rooms, MESSAGES_PER_SECOND);
    let highest = 0;
    for (let second = bench.pick(120, 5); second > 0; second -= 1) {
      await sleep(1000);
      highest = Math.max(highest, residentMB(pid));
    }
    load.stop();
    note('light load, highest', highest, 400);
    bench.remark(
      `Light load: ${MESSAGES_PER_SECOND} messages/s in ${ROOMS} rooms, one of them of all ${USERS} users, to ${USERS} waiting clients, which gave ${readers.reduce((sum, one) => sum + one.answers, 0)} answers; ${load.failed} failed.`,
    );
    bench.remark(
      'Node.js: resident memory; PostgreSQL and Redis: proportional set size, all sessions together. 1 MB = 1,000,000 bytes.',
    );
    return figures;
  },
};
