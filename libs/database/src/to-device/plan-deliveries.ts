import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import { type Fill, isOfOtherServer } from './fill.js';
import {
  ALL_DEVICES,
  type LeftOut,
  type OutgoingEdu,
  type ToDeviceOutcome,
  type ToDeviceRequest,
} from './to-device-request.js';

/** Of one request, once `*` stands for every device. */
const MAX_DELIVERIES = 5_000;
const MAX_DELIVERED_BYTES = 16 * 1024 * 1024;

/** A row to be written. */
export interface Delivery {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly sender: UserId;
  readonly type: string;
  readonly content: string;
}

/** How much waits. What is planned counts. */
export interface Waiting {
  /** By user and device, for devices that there are. */
  readonly inboxes: ReadonlyMap<UserId, ReadonlyMap<DeviceId, Fill>>;
  readonly outboxes: ReadonlyMap<ServerName, Fill>;
}

export interface Plan {
  readonly deliveries: readonly Delivery[];
  readonly edus: readonly OutgoingEdu[];
  readonly leftOut: LeftOut;
  readonly outcome: Exclude<ToDeviceOutcome, { outcome: 'repeated' }>;
}

const NOBODY: LeftOut = { devices: [], destinations: [] };

/**
 * Which devices and destinations a request reaches: those that have room. Devices that there are not are passed over, and so is who has no
 * room and has emptied nothing for a day: else anybody could stop the senders of a room by one device that never syncs.
 * @param only those that the same request left out before
 */
export function planDeliveries(request: ToDeviceRequest, waiting: Waiting, only?: LeftOut): Plan {
  const wanted = deliveriesOf(request, waiting, only);
  const bytes = wanted.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  if (wanted.length > MAX_DELIVERIES || bytes > MAX_DELIVERED_BYTES) return nothing('too_large');

  const { sender } = request;
  const deliveries: Delivery[] = [];
  const devices: [UserId, DeviceId][] = [];
  let abandoned = 0;
  for (const delivery of wanted) {
    const { userId, deviceId } = delivery;
    const fill = waiting.inboxes.get(userId)?.get(deviceId);
    if (takes(fill, sender, isOfOtherServer(sender, userId))) deliveries.push(delivery);
    else if (fill?.isAbandoned === true) abandoned += 1;
    else devices.push([userId, deviceId]);
  }
  const edus: OutgoingEdu[] = [];
  const destinations: ServerName[] = [];
  for (const [destination, ofDestination] of edusOf(request, only)) {
    const fill = waiting.outboxes.get(destination);
    if (takes(fill, sender, false, ofDestination.length)) edus.push(...ofDestination);
    else if (fill?.isAbandoned === true) abandoned += 1;
    else destinations.push(destination);
  }
  const leftOut = devices.length + destinations.length;
  const isRefused = leftOut > 0 && deliveries.length + edus.length === 0;
  if (isRefused && request.whenFull === 'remember') return nothing('full');
  const outcome = { outcome: 'taken_in', leftOut, abandoned } as const;
  return { deliveries, edus, leftOut: { devices, destinations }, outcome };
}

function deliveriesOf(
  { local, sender, type }: ToDeviceRequest,
  { inboxes }: Waiting,
  only: LeftOut | undefined,
): Delivery[] {
  const wanted = only && new Set(only.devices.map((device) => JSON.stringify(device)));
  return [...local].flatMap(([userId, contents]) =>
    [...(inboxes.get(userId)?.keys() ?? [])].flatMap((deviceId): Delivery[] => {
      const content = contents.get(deviceId) ?? contents.get(ALL_DEVICES);
      if (content === undefined || wanted?.has(JSON.stringify([userId, deviceId])) === false) return [];
      return [{ userId, deviceId, sender, type, content }];
    }),
  );
}

/** A destination takes all that is for it or nothing. */
function edusOf({ outgoing }: ToDeviceRequest, only: LeftOut | undefined) {
  const wanted = only && new Set(only.destinations);
  const edus = outgoing.filter(({ destination }) => wanted?.has(destination) !== false);
  return Map.groupBy(edus, ({ destination }) => destination);
}

function takes(fill: Fill | undefined, sender: UserId, isOfOther: boolean, count = 1): boolean {
  if (fill?.hasRoom(sender, isOfOther, count) !== true) return false;
  fill.add(sender, isOfOther, count);
  return true;
}

function nothing(outcome: 'full' | 'too_large'): Plan {
  return { deliveries: [], edus: [], leftOut: NOBODY, outcome: { outcome } };
}
