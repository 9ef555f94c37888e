import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient, register, startAllInOne } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { texts } from '../users.js';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'atoll-e2e-again-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

test('all-in-one stops, starts again on its data behind other ports, and goes on (behaviours 54, 55)', async () => {
  const serverName = 'again.example';
  const first = await startAllInOne({ dataDir, serverName, env: testSettings });
  const alice = await register(first.clientUrl, 'alice');
  const roomId = await alice.createRoom();
  await alice.send(roomId, 'before');
  const { next_batch: since } = await alice.sync();
  await alice.send(roomId, 'while nobody looks', 'txn');
  const stopping = performance.now();
  await first.stop();
  expect(performance.now() - stopping).toBeLessThan(30_000);

  const starting = performance.now();
  const second = await startAllInOne({ dataDir, serverName, env: testSettings });
  try {
    const versions = await new HttpClient(second.clientUrl).send('GET', '/_matrix/client/versions');
    expect(versions.status).toBe(200);
    expect(performance.now() - starting).toBeLessThan(30_000);
    const again = alice.through(second.clientUrl);
    const news = await again.sync({ since });
    expect(texts(news.rooms?.join?.[roomId]?.timeline.events)).toEqual(['while nobody looks']);
    await again.send(roomId, 'while nobody looks', 'txn');
    await again.send(roomId, 'after');
    expect(texts(await again.history(roomId))).toEqual(['after', 'while nobody looks', 'before']);
  } finally {
    await second.stop();
  }
});
