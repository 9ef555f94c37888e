import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { countInboxes, countOutboxes } from './count-fills.js';
import { FEW, type Fill, isOfOtherServer } from './fill.js';
import { KnownFills, type Room } from './known-fills.js';
import type { Waiting } from './plan-deliveries.js';
import type { InboxOwner } from './to-device-reader.js';
import { ALL_DEVICES, type ToDeviceRequest } from './to-device-request.js';

/** In one statement, so that it ends in time however much waits for each. */
const COUNTED_AT_ONCE = 20;

/** What a process remembers of how much waits; one for all that it sends. */
export class KnownWaiting {
  readonly inboxes = new KnownFills();
  readonly outboxes = new KnownFills();
}

/** How much waits for the devices that the requests name and there are, and for the destinations. Only what is not known is counted. */
export async function waitingFor(
  transaction: Transaction<DatabaseSchema>,
  known: KnownWaiting,
  requests: readonly ToDeviceRequest[],
): Promise<Waiting> {
  const senders = [...new Set(requests.map(({ sender }) => sender))];
  const owners = await devicesNamed(transaction, requests);
  const inboxes = new Map<UserId, Map<DeviceId, Fill>>();
  const fills = await fillsOf(known.inboxes, owners, {
    keyOf: ({ userId, deviceId }) => JSON.stringify([userId, deviceId]),
    roomIn: (fill, { userId }) => roomFor(senders, fill, (sender) => isOfOtherServer(sender, userId)),
    count: (unknown) => countInboxes(transaction, unknown),
  });
  for (const [{ userId, deviceId }, fill] of fills) {
    const ofUser = inboxes.get(userId) ?? new Map<DeviceId, Fill>();
    inboxes.set(userId, ofUser.set(deviceId, fill));
  }
  const destinations = [
    ...new Set(requests.flatMap(({ outgoing }) => outgoing.map(({ destination }) => destination))),
  ];
  const outboxes = await fillsOf(known.outboxes, destinations, {
    keyOf: (destination) => destination,
    roomIn: (fill) => roomFor(senders, fill, () => false),
    count: (unknown: readonly ServerName[]) => countOutboxes(transaction, unknown),
  });
  return { inboxes, outboxes };
}

async function fillsOf<Place>(
  known: KnownFills,
  places: readonly Place[],
  {
    keyOf,
    roomIn,
    count,
  }: {
    readonly keyOf: (place: Place) => string;
    readonly roomIn: (fill: Fill, place: Place) => Room;
    readonly count: (places: readonly Place[]) => Promise<Fill[]>;
  },
): Promise<Map<Place, Fill>> {
  const fills = new Map<Place, Fill>();
  for (const place of places) {
    const fill = known.get(keyOf(place), (one) => roomIn(one, place));
    if (fill) fills.set(place, fill);
  }
  const unknown = places.filter((place) => !fills.has(place));
  for (let i = 0; i < unknown.length; i += COUNTED_AT_ONCE) {
    const counted = unknown.slice(i, i + COUNTED_AT_ONCE);
    for (const [index, fill] of (await count(counted)).entries()) {
      const place = counted[index] as Place;
      known.set(keyOf(place), fill);
      fills.set(place, fill);
    }
  }
  return fills;
}

function roomFor(senders: readonly UserId[], fill: Fill, isOfOther: (sender: UserId) => boolean): Room {
  const has = (count: number) => senders.every((sender) => fill.hasRoom(sender, isOfOther(sender), count));
  if (has(FEW)) return 'enough';
  return has(1) ? 'little' : 'none';
}

async function devicesNamed(
  transaction: Transaction<DatabaseSchema>,
  requests: readonly ToDeviceRequest[],
): Promise<InboxOwner[]> {
  const named = new Map<string, readonly [UserId, string]>();
  for (const { local } of requests) {
    for (const [userId, contents] of local) {
      for (const deviceId of contents.keys())
        named.set(JSON.stringify([userId, deviceId]), [userId, deviceId]);
    }
  }
  if (named.size === 0) return [];
  const names = [...named.values()];
  const { rows } = await sql<InboxOwner>`
    WITH named AS (SELECT * FROM unnest(${names.map(([userId]) => userId)}::text[],
      ${names.map(([, deviceId]) => deviceId)}::text[]) AS n(user_id, device_id))
    SELECT d.user_id AS "userId", d.device_id AS "deviceId"
    FROM named n JOIN devices d ON d.user_id = n.user_id AND d.device_id = n.device_id
    UNION SELECT d.user_id, d.device_id
    FROM named n JOIN devices d ON d.user_id = n.user_id WHERE n.device_id = ${ALL_DEVICES}
    ORDER BY 1, 2`.execute(transaction);
  return rows;
}
