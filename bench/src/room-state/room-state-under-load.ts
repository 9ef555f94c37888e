import type { Cluster, ServiceProcess } from '@atoll/testing';
import { scrape } from '../load/metrics.js';
import type { LoadRoom, RoomLoad } from '../load/room-load.js';
import { closedLoop } from '../measure/closed-loop.js';
import { cpuSeconds, cpuSecondsOfTree } from '../measure/processes.js';
import { countCpu, type CpuShare } from './cpu-share.js';
import { partitionsSettled } from './partitions-settled.js';

export interface Pass {
  readonly perSecond: number;
  /** Events in a commit, on average. */
  readonly batch: number;
  readonly cpu: CpuShare;
}

export interface PassLoad {
  readonly processes: number;
  readonly rooms: readonly LoadRoom[];
  /** Commands that wait for their answer at any time. */
  readonly inFlight: number;
}

/** One or two real room-state processes that are sent messages as fast as they take them. */
export class RoomStateUnderLoad {
  private readonly processes: readonly ServiceProcess[];

  constructor(
    cluster: Cluster,
    private readonly load: RoomLoad,
    private readonly servers: { postgres: number; redis: number },
    private readonly seconds: number,
  ) {
    this.processes = cluster.instances('room-state');
  }

  async pass({ processes, rooms, inFlight }: PassLoad, body: string): Promise<Pass> {
    await this.use(processes);
    const send = async (call: number) => {
      const room = rooms[call % rooms.length];
      if (room) await this.load.message(room, body);
    };
    // Rooms that changed hands are loaded before the clock runs.
    await closedLoop(inFlight, 1, send);
    const running = this.processes.slice(0, processes);
    const before = await batches(running);
    const stop = countCpu({
      'room-state': () => running.reduce((sum, one) => sum + cpuSeconds(one.pid), 0),
      PostgreSQL: () => cpuSecondsOfTree(this.servers.postgres),
      Redis: () => cpuSeconds(this.servers.redis),
      load: () => cpuSeconds(process.pid),
    });
    const { perSecond, done } = await closedLoop(inFlight, this.seconds, send);
    const cpu = stop(done);
    const after = await batches(running);
    return { perSecond, cpu, batch: (after.events - before.events) / (after.commits - before.commits) };
  }

  private async use(count: number): Promise<void> {
    const running = this.processes.filter((one) => one.running()).length;
    if (running === count) return;
    for (const [index, one] of this.processes.entries()) {
      if (index < count && !one.running()) await one.start();
      if (index >= count && one.running()) await one.stop();
    }
    await partitionsSettled(this.load.database, count);
  }
}

async function batches(processes: readonly ServiceProcess[]): Promise<{ events: number; commits: number }> {
  let [events, commits] = [0, 0];
  for (const { metricsUrl } of processes) {
    events += await scrape(metricsUrl, 'atoll_commit_batch_events_sum');
    commits += await scrape(metricsUrl, 'atoll_commit_batch_events_count');
  }
  return { events, commits };
}
