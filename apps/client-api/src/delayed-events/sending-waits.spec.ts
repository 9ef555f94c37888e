import type { DelayedEventReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { beforeEach, expect, it } from '@jest/globals';
import { SendingWaits } from './sending-waits.js';

const ALICE = '@alice:hs1' as UserId;
const BOB = '@bob:hs1' as UserId;

let looks: string[];
let isBeingSent: boolean;
let waits: SendingWaits;
beforeEach(() => {
  looks = [];
  isBeingSent = true;
  waits = new SendingWaits({
    isBeingSent: (delayId: string) => {
      looks.push(delayId);
      return Promise.resolve(isBeingSent);
    },
  } as DelayedEventReader);
});

const soon = () => performance.now() + 200;
const late = () => performance.now() + 60_000;

it('looks once for all who wait for the same event', async () => {
  isBeingSent = false;
  await Promise.all(Array.from({ length: 10 }, () => waits.untilSettled(ALICE, 'one', late())));
  expect(looks).toEqual(['one']);
  await Promise.all([waits.untilSettled(ALICE, 'one', late()), waits.untilSettled(BOB, 'two', late())]);
  expect(looks.toSorted()).toEqual(['one', 'one', 'two']);
});

it('ends when its time is over, and does not look all the time', async () => {
  await waits.untilSettled(ALICE, 'one', soon());
  expect(looks.length).toBeLessThanOrEqual(2);
  isBeingSent = false;
});

it('lets only so many requests of a user wait', async () => {
  const waiting = Array.from({ length: 10 }, () => waits.untilSettled(ALICE, 'one', late()));
  await expect(waits.untilSettled(ALICE, 'two', late())).rejects.toMatchObject({ status: 429 });
  isBeingSent = false;
  await waits.untilSettled(BOB, 'one', late());
  await Promise.all(waiting);
  await waits.untilSettled(ALICE, 'two', late());
});
