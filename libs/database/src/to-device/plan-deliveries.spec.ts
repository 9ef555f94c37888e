import { describe, expect, it } from '@jest/globals';
import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import { Fill, MAX_OF_OTHER_SERVERS, MAX_OF_SENDER, MAX_WAITING, SHARED_FROM } from './fill.js';
import { planDeliveries, type Waiting } from './plan-deliveries.js';
import type { ToDeviceRequest } from './to-device-request.js';

const alice = '@alice:hs1' as UserId;
const bob = '@bob:hs1' as UserId;
const eve = '@eve:hs2' as UserId;
const hs2 = 'hs2' as ServerName;
const [phone, laptop] = ['PHONE', 'LAPTOP'] as [DeviceId, DeviceId];

const request = (devices: Record<string, string>, more: Partial<ToDeviceRequest> = {}): ToDeviceRequest => ({
  ...{ key: 'k', sender: alice, type: 'm.test', outgoing: [], whenFull: 'remember' },
  local: new Map([[bob, new Map(Object.entries(devices))]]),
  ...more,
});
const fill = (counted: Partial<ConstructorParameters<typeof Fill>[0]> = {}) =>
  new Fill({ total: 0, ofOtherServers: 0, bySender: {}, isAbandoned: false, ...counted });
const waiting = (ofPhone = fill(), ofHs2 = fill()): Waiting => ({
  inboxes: new Map([
    [
      bob,
      new Map([
        [phone, ofPhone],
        [laptop, fill()],
      ]),
    ],
  ]),
  outboxes: new Map([[hs2, ofHs2]]),
});
const reached = ({ deliveries, edus }: ReturnType<typeof planDeliveries>) => [
  ...deliveries.map(({ deviceId, content }) => `${deviceId} ${content}`),
  ...edus.map(({ destination }) => destination),
];
const outgoing = [1, 2].map(() => ({ destination: hs2, partition: 0, content: '{}' }));

describe('what becomes of a request', () => {
  it('is for the devices that there are; a name goes before a star', () => {
    const plan = planDeliveries(request({ '*': '1', PHONE: '2', NOSUCH: '3' }, { outgoing }), waiting());
    expect(plan.outcome).toEqual({ outcome: 'taken_in', leftOut: 0, abandoned: 0 });
    expect(reached(plan)).toEqual(['PHONE 2', 'LAPTOP 1', hs2, hs2]);
  });

  it('leaves out who has no room, and a repeated one reaches only them', () => {
    const full = fill({ total: MAX_WAITING });
    // There is room for one, and both go together.
    const almost = fill({ total: MAX_WAITING - 1 });
    const plan = planDeliveries(request({ '*': '1' }, { outgoing }), waiting(full, almost));
    expect(plan.outcome).toEqual({ outcome: 'taken_in', leftOut: 2, abandoned: 0 });
    expect(reached(plan)).toEqual(['LAPTOP 1']);
    expect(plan.leftOut).toEqual({ devices: [[bob, phone]], destinations: [hs2] });
    const again = planDeliveries(request({ '*': '1' }, { outgoing }), waiting(), plan.leftOut);
    expect(reached(again)).toEqual(['PHONE 1', hs2, hs2]);
    expect(again.outcome).toEqual({ outcome: 'taken_in', leftOut: 0, abandoned: 0 });
  });

  it('is nothing when nobody has room, unless they are left out for good', () => {
    const full = () => waiting(fill({ total: MAX_WAITING }));
    expect(planDeliveries(request({ PHONE: '1' }), full()).outcome).toEqual({ outcome: 'full' });
    const forGood = planDeliveries(request({ PHONE: '1' }, { whenFull: 'leave_out' }), full());
    expect(forGood.outcome).toEqual({ outcome: 'taken_in', leftOut: 1, abandoned: 0 });
  });

  it('passes over who is full and empties nothing, unlike who has room', () => {
    const full = () => fill({ total: MAX_WAITING, isAbandoned: true });
    const all = request({ '*': '1' }, { outgoing });
    const plan = planDeliveries(all, waiting(full(), full()));
    expect(plan.outcome).toEqual({ outcome: 'taken_in', leftOut: 0, abandoned: 2 });
    expect(reached(plan)).toEqual(['LAPTOP 1']);
    expect(planDeliveries(request({ PHONE: '1' }), waiting(full())).outcome.outcome).toBe('taken_in');
    expect(reached(planDeliveries(all, waiting(fill({ isAbandoned: true }))))).toHaveLength(4);
  });

  it.each([
    ['half is free', alice, { total: SHARED_FROM - 1, bySender: { [alice]: SHARED_FROM - 1 } }, true],
    ['one sender has its share', alice, { total: SHARED_FROM, bySender: { [alice]: MAX_OF_SENDER } }, false],
    ['another sender has its share', alice, { total: SHARED_FROM, bySender: { [bob]: MAX_OF_SENDER } }, true],
    ['other servers have theirs, for them', eve, { ofOtherServers: MAX_OF_OTHER_SERVERS }, false],
    ['other servers have theirs, for us', alice, { ofOtherServers: MAX_OF_OTHER_SERVERS }, true],
    ['it is nearly full', eve, { total: MAX_WAITING - 1 }, true],
  ])('depends on room when %s', (_what, sender, counted, hasRoom) => {
    const plan = planDeliveries(request({ PHONE: '1' }, { sender }), waiting(fill(counted)));
    expect(plan.outcome.outcome).toBe(hasRoom ? 'taken_in' : 'full');
  });

  it.each([
    [alice, { total: MAX_WAITING - 1 }],
    [alice, { total: SHARED_FROM, bySender: { [alice]: MAX_OF_SENDER - 1 } }],
    [eve, { ofOtherServers: MAX_OF_OTHER_SERVERS - 1 }],
  ])('counts what was planned before it, of %s', (sender, counted) => {
    const almost = waiting(fill(counted));
    const plan = () => planDeliveries(request({ PHONE: '1' }, { sender }), almost).outcome.outcome;
    expect([plan(), plan()]).toEqual(['taken_in', 'full']);
    expect(almost.inboxes.get(bob)?.get(phone)?.added).toBe(1);
  });
});
