import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ServiceName } from '@atoll/contract';
import { type Federation, startFederation } from '@atoll/testing';
import { Redis } from 'ioredis';
import { EncryptedDevice } from '../talk/encrypted-device.js';
import { EncryptedRoom } from '../talk/encrypted-room.js';
import { testSettings } from '../test-settings.js';
import { randomNumbers } from './random-actions.js';

const SEED = Number(process.env['ATOLL_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env['ATOLL_KILL_ROUNDS'] ?? 6);
const KILLED: readonly ServiceName[] = [
  'client-api',
  'federation-sender',
  'federation-receiver',
  'room-state',
];

let federation: Federation;
let devices: EncryptedDevice[];
let room: EncryptedRoom;
beforeAll(async () => {
  const instances = { 'client-api': 2, 'room-state': 2, media: 0, push: 0 };
  federation = await startFederation({ servers: ['cluster', 'all-in-one'], instances, env: testSettings });
  const [aliceUrl = '', bobUrl = ''] = federation.servers.map(({ clientUrl }) => clientUrl);
  const alice = await EncryptedDevice.register(aliceUrl, 'alice');
  const bob = await EncryptedDevice.register(bobUrl, 'bob');
  const others = async (of: EncryptedDevice) => [await of.onAnotherDevice(), await of.onAnotherDevice()];
  const [ofAlice, ofBob] = [await others(alice), await others(bob)];
  room = await EncryptedRoom.open([alice, ...ofAlice], [bob, ...ofBob]);
  devices = [...room.present];
  // Nobody can give a key to a device of which they never got a key: so much must have been possible once.
  for (const device of devices) await room.say(device);
  await room.expectAllRead();
}, 240_000);
afterAll(async () => {
  for (const device of devices) device.stop();
  await federation.stop();
});

/** One process is killed and comes back, or one Redis forgets all. */
async function disturb(random: () => number): Promise<string> {
  const server = randomFrom(federation.servers, random);
  if (random() < 0.25) {
    const redis = new Redis(server.redisUrl);
    await redis.flushall();
    redis.disconnect();
    return `FLUSHALL at ${server.serverName}`;
  }
  const service = randomFrom(KILLED, random);
  const instance = randomFrom(server.instances(service), random);
  await instance.kill('SIGKILL');
  await instance.start();
  return `SIGKILL of ${service} at ${server.serverName}`;
}

test(`every message decrypts at every device, though processes are killed and Redis forgets all (seed ${SEED})`, async () => {
  const random = randomNumbers(SEED);
  const disturbances: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const speaker = randomFrom(devices, random);
    // Each message has a key of its own, which must reach five devices.
    await speaker.crypto.forceDiscardSession(room.roomId);
    const [disturbance] = await Promise.all([disturb(random), room.say(speaker)]);
    disturbances.push(disturbance);
    if (round % 10 === 0 || round === ROUNDS) await room.expectAllRead();
    else for (const device of devices) device.readable(room.roomId);
  }
  expect(devices.map((device) => device.unreadable(room.roomId))).toEqual(devices.map(() => 0));
  expect(disturbances).toHaveLength(ROUNDS);
}, 1_800_000);

function randomFrom<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)] as T;
}
