import type { SyncAnswer } from '@atoll/testing';
import { build } from 'hdr-histogram-js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Figure } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { eventLoopDelay } from '../measure/event-loop-delay.js';
import { createLargeRoom } from './large-remote-room.js';
import { startPeers, trusting } from './peers.js';
import { watchMemory } from './watch-memory.js';

const SERVERS = 20;
const SYNC_MS = 10_000;
const PATIENCE_MS = 60_000;
/** Messages to a local room before the join, to compare with. */
const QUIET_MS = 2000;
const LAZY = JSON.stringify({ room: { state: { lazy_load_members: true } } });

interface Pass {
  /** In s since the client's request. */
  readonly answered: number;
  readonly synced: number;
  /** The longest of room-state, in ms. */
  readonly delay: number;
  readonly quiet: Latency;
  readonly meanwhile: Latency;
  readonly memory: { before: number; highest: number; after: number };
}

/** In ms. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** A client joins a large room of other servers, while others write in a room of this one. */
export const federationJoin: Benchmark = {
  name: 'federation-join',
  title: 'joining a room of 10,000 members by way of another server',
  async run(bench) {
    const members = bench.pick(10_000, 1000);
    const peers = await startPeers(bench, SERVERS);
    const postgres = await startDurablePostgres(bench);
    const { cluster } = await startServices(
      bench,
      postgres,
      'atoll',
      { 'client-api': 1, 'room-state': 1, 'federation-receiver': 1, 'federation-sender': 1 },
      trusting(peers.map(({ certificateFile }) => certificateFile)),
    );
    const [roomState] = cluster.instances('room-state');
    if (!roomState) throw new Error('there is no room-state');
    const http = new HttpLoad(bench, cluster.clientUrl, 8);
    const [user, writer] = [await LoadUser.register(http), await LoadUser.register(http)];
    const local = await writer.createPublicRoom();
    const passes: Pass[] = [];
    for (let count = bench.pick(3, 1); count > 0; count -= 1) {
      bench.progress(`making a room of ${members} members`);
      const { roomId, signer } = await createLargeRoom(peers, members);
      const quietWriting = write(writer, local);
      await sleep(QUIET_MS);
      const quiet = await quietWriting.stop();
      const { next_batch: since } = await user.sync(undefined, 0);
      const memory = watchMemory(roomState.pid);
      await eventLoopDelay(roomState.metricsUrl);
      const writing = write(writer, local);
      const started = performance.now();
      const seen = untilSynced(user, since, roomId).then(() => (performance.now() - started) / 1000);
      const via = `/_matrix/client/v3/join/${encodeURIComponent(roomId)}?via=${encodeURIComponent(signer.serverName)}`;
      const join = http.request('POST', via, user.token, {}).then(() => (performance.now() - started) / 1000);
      const [answered, synced] = await Promise.all([join, seen]);
      const delay = (await eventLoopDelay(roomState.metricsUrl)) * 1000;
      const meanwhile = await writing.stop();
      passes.push({
        answered,
        synced,
        delay,
        quiet,
        meanwhile,
        memory: { before: memory.before, ...memory.stop() },
      });
      bench.progress(`joined after ${answered.toFixed(1)} s`);
    }
    bench.remark(
      `${members} members on ${SERVERS} servers, which serve their keys and know nothing else of the room; the first pass fetches these keys. Synced: until a waiting sync with lazily loaded members shows the room.`,
    );
    bench.remark(
      'Sends to a local room: one at a time from one user, 10 to 40 ms apart, through the router. One process of each service; the other servers are the process that measures.',
    );
    return figures(passes);
  },
};

/** Writes in a room until it is stopped. */
function write(user: LoadUser, roomId: string): { stop(): Promise<Latency> } {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  let stopped = false;
  const loop = async () => {
    while (!stopped) {
      const started = performance.now();
      await user.send(roomId, 'meanwhile');
      histogram.recordValue(Math.round((performance.now() - started) * 1000));
      await sleep(10 + Math.random() * 30);
    }
  };
  const done = loop();
  return {
    async stop() {
      stopped = true;
      await done;
      const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
      return { p50: at(50), p99: at(99) };
    },
  };
}

/** Follows a user's sync until the room is among those joined. @throws Error when it takes too long */
async function untilSynced({ http, token }: LoadUser, from: string, roomId: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let since = from;
  while (performance.now() < deadline) {
    const query = new URLSearchParams({ since, timeout: String(SYNC_MS), filter: LAZY });
    const answer = await http.request<SyncAnswer>(
      'GET',
      `/_matrix/client/v3/sync?${query.toString()}`,
      token,
    );
    if (answer.rooms?.join?.[roomId] !== undefined) return;
    since = answer.next_batch;
  }
  throw new Error('no sync showed the room');
}

function figures(passes: readonly Pass[]): Figure[] {
  const figure = (what: string, unit: string, of: (pass: Pass) => number): Figure => ({
    what,
    unit,
    passes: passes.map(of),
  });
  return [
    figure('from the request to its answer', 's', ({ answered }) => answered),
    figure('from the request until a sync shows the room', 's', ({ synced }) => synced),
    figure('longest event-loop delay of room-state', 'ms', ({ delay }) => delay),
    figure('send to a local room before, p50', 'ms', ({ quiet }) => quiet.p50),
    figure('send to a local room before, p99', 'ms', ({ quiet }) => quiet.p99),
    figure('send to a local room meanwhile, p50', 'ms', ({ meanwhile }) => meanwhile.p50),
    figure('send to a local room meanwhile, p99', 'ms', ({ meanwhile }) => meanwhile.p99),
    figure('memory of room-state before', 'MB', ({ memory }) => memory.before),
    figure('memory of room-state, highest', 'MB', ({ memory }) => memory.highest),
    figure('memory of room-state after', 'MB', ({ memory }) => memory.after),
  ];
}
