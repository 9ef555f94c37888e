import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { startFederation, type FederatedServer, type Federation } from '@atoll/testing';
import { Agent, request } from 'undici';
import { testSettings } from '../test-settings.js';

let federation: Federation;
beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
});
afterAll(() => federation.stop());

/** Asks a server by its name, trusting its certificate alone. */
async function version(
  { serverName, certificateFile }: FederatedServer,
  timeoutMs = 20_000,
): Promise<number> {
  const dispatcher = new Agent({ connect: { ca: await readFile(certificateFile), timeout: timeoutMs } });
  const url = `https://${serverName}/_matrix/federation/v1/version`;
  try {
    const { statusCode, body } = await request(url, {
      dispatcher,
      signal: AbortSignal.timeout(2 * timeoutMs),
    });
    await body.dump();
    return statusCode;
  } finally {
    await dispatcher.destroy();
  }
}

const first = () => federation.servers[0] as FederatedServer;
const second = () => federation.servers[1] as FederatedServer;

test('each answers by its name, with its own certificate', async () => {
  expect(first().serverName).not.toBe(second().serverName);
  expect([await version(first()), await version(second())]).toEqual([200, 200]);
});

test('one can be cut off while both run on', async () => {
  await first().network.cut();
  await expect(version(first())).rejects.toThrow('ECONNREFUSED');
  expect(await version(second())).toBe(200);
  await first().network.heal();
  first().network.stall();
  await expect(version(first(), 1_000)).rejects.toThrow('timeout');
  await first().network.heal();
  expect(await version(first())).toBe(200);
});
