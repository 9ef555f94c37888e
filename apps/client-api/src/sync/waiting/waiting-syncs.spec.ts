import { describe, expect, it } from '@jest/globals';
import type { StreamChange } from '@atoll/database';
import type { DeviceId, UserId } from '@atoll/matrix';
import { Waiter, type WaitOutcome } from './waiter.js';
import { WaitingSyncs } from './waiting-syncs.js';

const alice = '@alice:x' as UserId;
const bob = '@bob:x' as UserId;
const start = {
  events: 100,
  account_data: 10,
  receipts: 0,
  typing: 0,
  presence: 0,
  thread_subscriptions: 0,
  device_lists: 0,
  key_counts: 0,
  to_device: 0,
};
const inRoom = (position: number, roomNid: number): StreamChange => ({ position, roomNid, userId: null });
const ofUser = (position: number, userId: UserId): StreamChange => ({ position, roomNid: null, userId });

function opened() {
  const waiting = new WaitingSyncs();
  waiting.open(start);
  const outcomes: Record<string, WaitOutcome> = {};
  const wait = (name: string, userId: UserId, rooms: number[], positions = start, deadline = Infinity) => {
    const waiter = new Waiter(userId);
    const done = waiting.wait(waiter, { rooms, positions, deadline }).then((outcome) => {
      outcomes[name] = outcome;
    });
    return { waiter, done };
  };
  return { waiting, outcomes, wait };
}

describe('WaitingSyncs', () => {
  it('knows what changed between two positions, but not of what is older or newer than all that it followed', () => {
    const { waiting } = opened();
    expect(waiting.changesBetween('events', 100, 100)).toEqual([]);
    waiting.tell('events', [inRoom(101, 1), inRoom(103, 2), inRoom(103, 3), inRoom(104, 1)]);
    expect(waiting.changesBetween('events', 100, 103)).toEqual([
      inRoom(101, 1),
      inRoom(103, 2),
      inRoom(103, 3),
    ]);
    expect(waiting.changesBetween('events', 103, 104)).toEqual([inRoom(104, 1)]);
    expect(waiting.changesBetween('events', 99, 104)).toBeUndefined();
    expect(waiting.changesBetween('events', 101, 105)).toBeUndefined();
    waiting.tell(
      'events',
      Array.from({ length: 10_000 }, (_, i) => inRoom(105 + i, 1)),
    );
    expect(waiting.changesBetween('events', 104, 10_104)).toBeUndefined();
    expect(waiting.changesBetween('events', 10_000, 10_104)).toHaveLength(104);
  });

  it('wakes those whom a change concerns, and nobody else', async () => {
    const { waiting, outcomes, wait } = opened();
    const inOne = wait('in room 1', alice, [1, 2]);
    const phone = wait('of alice', alice, []);
    wait('in room 3', bob, [3]);
    waiting.tell('events', [inRoom(101, 1), inRoom(102, 9)]);
    await inOne.done;
    expect(outcomes).toEqual({ 'in room 1': 'woken' });
    expect(waiting.size).toBe(2);
    waiting.tell('account_data', [ofUser(11, alice)]);
    await phone.done;
    expect(outcomes['of alice']).toBe('woken');
    expect(waiting.size).toBe(1);
    waiting.endAll();
    expect(waiting.size).toBe(0);
  });

  it('wakes the one device that a change concerns, before and while it waits', async () => {
    const { waiting } = opened();
    const toPhone = (position: number): StreamChange => ({
      ...ofUser(position, alice),
      deviceId: 'PHONE' as DeviceId,
    });
    const begin = (deviceId: string, to_device: number) =>
      waiting.wait(new Waiter(alice, deviceId as DeviceId), {
        ...{ rooms: [], deadline: Infinity },
        positions: { ...start, to_device },
      });
    const phone = begin('PHONE', 0);
    void begin('LAPTOP', 0);
    waiting.tell('to_device', [toPhone(1)]);
    expect(await phone).toBe('woken');
    expect(waiting.size).toBe(1);
    expect(await begin('PHONE', 0)).toBe('woken');
    void begin('LAPTOP', 0);
    expect(waiting.size).toBe(2);
    waiting.endAll();
  });

  it('takes any number of changes at once', async () => {
    const { waiting, outcomes, wait } = opened();
    const { done } = wait('in room 1', alice, [1]);
    waiting.tell('presence', [...Array.from({ length: 200_000 }, () => inRoom(1, 9)), inRoom(2, 1)]);
    await done;
    expect(outcomes).toEqual({ 'in room 1': 'woken' });
  });

  it('does not lose what happened between looking and waiting', async () => {
    const { waiting, outcomes, wait } = opened();
    waiting.tell('events', [inRoom(105, 1), { position: 106, roomNid: 2, userId: bob }]);
    await wait('not looked at', alice, [1]).done;
    const looked = wait('looked at', alice, [1], { ...start, events: 105 });
    await wait('invited', bob, [], { ...start, events: 105 }).done;
    expect(outcomes).toEqual({ 'not looked at': 'woken', invited: 'woken' });
    waiting.close(looked.waiter);
  });

  it('is woken by what is about somebody alone, where nothing else matters', async () => {
    const { waiting } = opened();
    const waiter = new Waiter(alice);
    const wait = () =>
      waiting.wait(waiter, { rooms: [1], positions: start, deadline: Infinity, onlyPeople: true });
    const before = wait();
    waiting.tell('events', [inRoom(101, 1)]);
    expect(waiting.size).toBe(1);
    waiting.tell('events', [{ position: 102, roomNid: 1, userId: bob }]);
    expect(await before).toBe('woken');
    expect(await wait()).toBe('woken');
  });

  it('is not woken by what was looked at before it was announced', async () => {
    const { waiting, outcomes, wait } = opened();
    const ahead = wait('ahead', alice, [1], { ...start, events: 110 });
    waiting.tell('events', [inRoom(110, 1)]);
    expect(waiting.size).toBe(1);
    waiting.tell('events', [inRoom(111, 1)]);
    await ahead.done;
    expect(outcomes).toEqual({ ahead: 'woken' });
  });

  it('takes positions from before what it remembers for changed', async () => {
    const { waiting, wait, outcomes } = opened();
    await wait('older', alice, [], { ...start, events: 99 }).done;
    const many = Array.from({ length: 10_000 }, (_, i) => inRoom(101 + i, 7));
    waiting.tell('events', many);
    await wait('overtaken', alice, [], { ...start, events: 150 }).done;
    expect(outcomes).toEqual({ older: 'woken', overtaken: 'woken' });
  });

  it('ends by its deadline, with its client and with the process', async () => {
    const { waiting, outcomes, wait } = opened();
    const late = wait('late', alice, [1], start, performance.now() + 20);
    const gone = wait('gone', alice, [1]);
    const drained = wait('drained', bob, [1]);
    waiting.close(gone.waiter);
    await Promise.all([late.done, gone.done]);
    waiting.endAll();
    await drained.done;
    await wait('too late', bob, [1]).done;
    expect(outcomes).toEqual({ late: 'expired', gone: 'ended', drained: 'ended', 'too late': 'ended' });
    expect(waiting.size).toBe(0);
  });
});
