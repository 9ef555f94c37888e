import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Benchmark, Figure } from '../benchmark.js';
import { microseconds, percentiles, type Percentiles } from '../latency/sample-latency.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { Reader } from '../load/reader.js';
import { inParallel } from '../measure/closed-loop.js';
import { alternate } from '../measure/alternate.js';
import { busyShare, cpuSeconds, machineTime } from '../measure/processes.js';
import { startOneOfEach } from '../servers/services.js';

/** How many clients wait for each event. */
const ROOM_SIZES = [2, 10];
const PER_SECOND = 100;
/** Longer than that nobody waits for the last messages of a pass. */
const PATIENCE_MS = 20_000;

interface Pass {
  readonly visible: Percentiles;
  readonly answersPerSecond: number;
  readonly lost: number;
  readonly busy: number;
  readonly clientApi: number;
}

/** Clients that wait for news which come all the time, each for a part of them. */
export const syncLoad: Benchmark = {
  name: 'sync-load',
  title: 'incremental /sync of 1,000 waiting clients while 100 events a second arrive',
  async run(bench) {
    const clients = bench.pick(1000, 100);
    const { clientApi } = await startOneOfEach(bench);
    const setUp = new HttpLoad(bench, clientApi.clientUrl, 16);
    bench.progress(`registering ${clients} users`);
    const users: LoadUser[] = [];
    await inParallel(clients, 8, async () => users.push(await LoadUser.register(setUp)));
    const rooms = new Map<number, Room[]>();
    for (const size of ROOM_SIZES) rooms.set(size, await newRooms(users, size));

    const connections = new HttpLoad(bench, clientApi.clientUrl, clients);
    const seen = new Arrivals();
    for (const user of users) {
      await Reader.start(user.over(connections), undefined, (text, at) => {
        seen.note(text, at);
      });
    }
    const measure = (size: number) => () => onePass(bench, rooms.get(size) ?? [], seen, clientApi.pid);
    const measured = await alternate(
      bench.pick(5, 1),
      Object.fromEntries(ROOM_SIZES.map((size) => [String(size), measure(size)])),
    );
    bench.remark(
      `${clients} clients with a connection each; every event ends the waiting of all members of its room, its sender's too. ` +
        `From the start of a request to send until the answer of a sync had arrived; ${bench.pick(20, 5)} s a pass. One client-api, one room-state, one push; the clients are one process on the same machine.`,
    );
    return ROOM_SIZES.flatMap((size) => figuresOf(size, measured[String(size)] ?? []));
  },
};

function figuresOf(size: number, passes: readonly Pass[]): Figure[] {
  const figure = (what: string, unit: string, pick: (pass: Pass) => number): Figure => {
    return { what: `rooms of ${size}: ${what}`, unit, passes: passes.map(pick) };
  };
  return [
    figure('send → in a waiting sync, p50', 'ms', ({ visible }) => visible.p50),
    figure('send → in a waiting sync, p99', 'ms', ({ visible }) => visible.p99),
    figure('arrivals', '/s', ({ answersPerSecond }) => answersPerSecond),
    figure('messages that did not arrive', '', ({ lost }) => lost),
    figure('processor of client-api', '%', ({ clientApi }) => clientApi),
    figure('share of the machine in use', '%', ({ busy }) => busy),
  ];
}

interface Room {
  readonly roomId: string;
  readonly members: readonly LoadUser[];
}

/** Each user is in one of them. */
async function newRooms(users: readonly LoadUser[], size: number): Promise<Room[]> {
  const rooms: Room[] = [];
  await inParallel(Math.floor(users.length / size), 8, async (index) => {
    const members = users.slice(index * size, (index + 1) * size);
    const [creator, ...others] = members;
    if (!creator) return;
    const roomId = await creator.createPublicRoom();
    for (const member of others) await member.join(roomId);
    rooms.push({ roomId, members });
  });
  return rooms;
}

async function onePass(bench: Bench, rooms: readonly Room[], seen: Arrivals, pid: number): Promise<Pass> {
  const seconds = bench.pick(20, 5);
  const [machine, cpu, began] = [machineTime(), cpuSeconds(pid), performance.now()];
  seen.begin();
  let sent = 0;
  const failures: unknown[] = [];
  while (performance.now() - began < seconds * 1000) {
    // Timers come late; what is due by now is sent now.
    const due = ((performance.now() - began) / 1000) * PER_SECOND;
    for (; sent < due; sent += 1) {
      const room = rooms[sent % rooms.length];
      if (!room) throw new Error('there are no rooms');
      const { roomId, members } = room;
      const sender = members[Math.floor(sent / rooms.length) % members.length];
      sender?.send(roomId, seen.expect(members.length)).catch((error: unknown) => failures.push(error));
    }
    await sleep(1000 / PER_SECOND);
  }
  const took = (performance.now() - began) / 1000;
  const [busy, clientApi] = [busyShare(machine) * 100, ((cpuSeconds(pid) - cpu) / took) * 100];
  const arrived = seen.arrived;
  const lost = await seen.rest(PATIENCE_MS);
  if (failures.length > 0)
    throw new Error(`${failures.length} messages could not be sent: ${String(failures[0])}`);
  const visible = seen.percentiles();
  bench.progress(`${sent} messages, p50 ${visible.p50} ms, p99 ${visible.p99} ms`);
  return { visible, answersPerSecond: arrived / took, lost, busy, clientApi };
}

/** When messages were sent, and how long they took to each of those who wait for them. */
class Arrivals {
  arrived = 0;
  private readonly pending = new Map<string, { sentAt: number; missing: number }>();
  private delays = microseconds();
  private messages = 0;

  begin(): void {
    this.arrived = 0;
    this.pending.clear();
    this.delays = microseconds();
  }

  /** @returns the text of a message that is sent now to so many */
  expect(missing: number): string {
    const text = `load ${(this.messages += 1)}`;
    this.pending.set(text, { sentAt: performance.now(), missing });
    return text;
  }

  note(text: string, at: number): void {
    const message = this.pending.get(text);
    if (!message) return;
    this.arrived += 1;
    this.delays.recordValue(Math.round((at - message.sentAt) * 1000));
    message.missing -= 1;
    if (message.missing === 0) this.pending.delete(text);
  }

  /** Waits for what is under way. @returns arrivals that are missing then */
  async rest(patienceMs: number): Promise<number> {
    const end = performance.now() + patienceMs;
    while (this.pending.size > 0 && performance.now() < end) await sleep(50);
    return [...this.pending.values()].reduce((sum, { missing }) => sum + missing, 0);
  }

  percentiles(): Percentiles {
    return percentiles(this.delays);
  }
}
