import { startRedis } from '@atoll/embedded';
import { mkdtempSync } from 'node:fs';
import { fork } from 'node:child_process';
import { connectRedis, ReplyStream, CommandClient } from '@atoll/redis-streams';
import { Echo } from './shared.mjs';
const r = await startRedis({ dataDir: mkdtempSync('/tmp/rsb-'), persistent: false });
const child = fork(new URL('./server.mjs', import.meta.url), [r.url]);
await new Promise((ok) => child.once('message', ok));
const redis = connectRedis(r.url, 'client');
const replies = new ReplyStream(redis, 'c1');
replies.start();
const client = new CommandClient({
  redis,
  service: 'bench',
  replies,
  owners: { ownerOf: async () => ({ instance: 'one', epoch: 1 }), forget() {}, learn() {} },
});
const input = { text: 'x'.repeat(1000) };
for (let i = 0; i < 2000; i++) await client.request(Echo, { input, partition: 1 });
const cpu = () =>
  new Promise((ok) => {
    child.once('message', (m) => ok(m.cpu));
    child.send('cpu');
  });
for (const C of [1, 16, 128, 1, 16, 128]) {
  const end = performance.now() + 3000;
  const lat = [];
  await cpu();
  const c0 = process.cpuUsage();
  const t0 = performance.now();
  await Promise.all(
    Array.from({ length: C }, async () => {
      while (performance.now() < end) {
        const t = performance.now();
        await client.request(Echo, { input, partition: 1 });
        lat.push(performance.now() - t);
      }
    }),
  );
  const secs = (performance.now() - t0) / 1000;
  const c = process.cpuUsage(c0);
  const sc = await cpu();
  lat.sort((a, b) => a - b);
  console.log(
    `C=${C}: ${Math.round(lat.length / secs)}/s p50 ${lat[lat.length >> 1].toFixed(2)} p99 ${lat[Math.floor(lat.length * 0.99)].toFixed(2)} ms; cpu us/req client ${Math.round((c.user + c.system) / lat.length)} server ${Math.round((sc * 1000) / lat.length)}`,
  );
}
client.stop();
await replies.stop();
redis.disconnect();
child.kill('SIGTERM');
await new Promise((ok) => child.once('exit', ok));
await r.stop();
process.exit(0);
