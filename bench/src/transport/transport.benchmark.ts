import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnServer } from '@atoll/embedded';
import { CommandClient, connectRedis, ReplyStream } from '@atoll/redis-streams';
import { build } from 'hdr-histogram-js';
import type { Bench, Benchmark, Figure } from '../benchmark.js';
import { alternate } from '../measure/alternate.js';
import { closedLoop } from '../measure/closed-loop.js';
import { startOwnRedis, temporaryFolder } from '../servers/servers.js';
import { Echo, ECHO_INSTANCE, ECHO_SERVICE } from './echo.command.js';

const TEXT = 'x'.repeat(600);

/** What a command costs on its way, without any work at its end. */
export const transport: Benchmark = {
  name: 'transport',
  title: 'request and reply over Redis Streams between two processes',
  async run(bench) {
    const client = await connect(bench);
    const seconds = bench.pick(5, 1);
    const latencies = new Map<number, number[]>();
    const echo = (inFlight: number) => async (warmUp: boolean) => {
      const times = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
      const { perSecond } = await closedLoop(inFlight, seconds, async () => {
        const started = performance.now();
        await client.request(Echo, { input: { text: TEXT }, partition: 0 });
        times.recordValue(Math.round((performance.now() - started) * 1000));
      });
      if (!warmUp)
        latencies.set(inFlight, [...(latencies.get(inFlight) ?? []), times.getValueAtPercentile(50)]);
      return perSecond;
    };
    const measured = await alternate(bench.pick(5, 2), { '1': echo(1), '16': echo(16), '128': echo(128) });
    bench.remark('Requests of 600 and answers of 44 characters, both checked against their schemas.');
    return Object.entries(measured).flatMap(([inFlight, passes]): Figure[] => [
      { what: `${inFlight} in flight`, unit: 'requests/s', passes },
      {
        what: `${inFlight} in flight, median time`,
        unit: 'ms',
        passes: (latencies.get(Number(inFlight)) ?? []).map((microseconds) => microseconds / 1000),
      },
    ]);
  },
};

async function connect(bench: Bench): Promise<CommandClient> {
  const { url } = await startOwnRedis(bench);
  const server = spawnServer({
    command: process.execPath,
    args: [fileURLToPath(new URL('echo-server.js', import.meta.url)), url],
    logFile: join(temporaryFolder(bench), 'echo.log'),
    stopSignal: 'KILL',
  });
  bench.atEnd(() => server.stop('SIGKILL'));
  const redis = connectRedis(url, 'bench');
  bench.atEnd(() => {
    redis.disconnect();
  });
  await new Promise((resolve) => redis.once('ready', resolve));
  const replies = new ReplyStream(redis, 'bench');
  replies.start();
  bench.atEnd(() => replies.stop());
  const owners = {
    ownerOf: () => Promise.resolve({ instance: ECHO_INSTANCE, epoch: 1 }),
    forget: () => undefined,
    learn: () => undefined,
  };
  const client = new CommandClient({ redis, service: ECHO_SERVICE, replies, owners });
  bench.atEnd(() => {
    client.stop();
  });
  // The first request waits until the server has its inbox.
  await client.request(Echo, { input: { text: TEXT }, partition: 0 });
  return client;
}
