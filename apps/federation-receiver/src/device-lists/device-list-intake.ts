import { DeviceListsChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  DeviceListTransactor,
  type LockedList,
  type RemoteDeviceListReader,
  RemoteDeviceListTransactor,
} from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';
import {
  type DeviceListUpdate,
  readDeviceListUpdate,
  readSigningKeyUpdate,
  type SigningKeyUpdate,
} from './read-updates.js';

/** What is known of a list while updates of it are taken in. */
interface KnownList {
  /**
   * Updates after which nothing is missing: the last that was taken in or, where the list was asked for since, the one that the answer names
   * and the last that was told before. Synapse answers with the position of its whole stream, and goes on from what it has told this server. An
   * update that was told before the question is in the answer; had another one been told since, the list would be stale. Undefined when nothing
   * is kept, or what is kept may have missed something: then updates only say that there are some.
   */
  covered: Set<number | null> | undefined;
  /** The number that the answer names: what has no greater one is in it. */
  readonly answered: number | null;
  /** A list that was complete, and is to be asked for again when it is not. */
  readonly isKept: boolean;
}

/** Takes in what other servers tell of the devices of their users. */
export class DeviceListIntake {
  constructor(
    private readonly database: Database,
    private readonly reader: Pick<RemoteDeviceListReader, 'sharing'>,
    private readonly announcer: Announcer,
    private readonly onStale: () => void,
  ) {}

  /**
   * Of users who share a room with a user of this server; the others are left out: their lists are not known, and are asked for when
   * they do. An update that follows on what is known becomes a part of the list; with any other, something was missed, and the list is
   * asked for anew. Local users who share a room hear of all of it in any case.
   * @param updates contents of admitted `m.device_list_update` EDUs, in their order
   * @param keyUpdates the same of `m.signing_key_update`
   * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
   */
  async take(updates: readonly JsonObject[], keyUpdates: readonly JsonObject[]): Promise<void> {
    const ofDevices = updates.flatMap((content) => readDeviceListUpdate(content) ?? []);
    const ofKeys = keyUpdates.flatMap((content) => readSigningKeyUpdate(content) ?? []);
    const named = [...new Set([...ofDevices, ...ofKeys].map(({ userId }) => userId))];
    const sharing = await this.reader.sharing(named);
    const users = named.filter((userId) => sharing.has(userId));
    if (users.length === 0) return;
    const isOfOne = ({ userId }: { readonly userId: UserId }) => sharing.has(userId);
    const missed = new Set<UserId>();
    const changed = await commitInLanes(this.database.db, async (trx, closing) => {
      const lists = new RemoteDeviceListTransactor(trx);
      const locked = await lists.lock(users);
      const known = new Map(
        users.map((userId) => [
          userId,
          knownOf(locked.get(userId), sharing.get(userId)?.sinceFetch === true),
        ]),
      );
      const marked = new Set<UserId>();
      for (const update of ofDevices.filter(isOfOne)) {
        const outcome = await takeUpdate(lists, known.get(update.userId), update);
        if (outcome !== 'repeated') marked.add(update.userId);
        if (outcome === 'missed') missed.add(update.userId);
      }
      for (const update of ofKeys.filter(isOfOne)) {
        await takeKeyUpdate(lists, known.get(update.userId), update);
        marked.add(update.userId);
      }
      return new DeviceListTransactor(trx, closing).markChanged([...marked]);
    });
    if (changed) this.announcer.publish(DeviceListsChanged, { position: changed.at(0) });
    if (missed.size > 0) this.onStale();
  }
}

function knownOf(list: LockedList | undefined, isComplete: boolean): KnownList | undefined {
  if (list === undefined) return undefined;
  const isKept = list.wasFetched && isComplete;
  const { streamId, heardStreamId } = list;
  // An answer that names less than was heard may not have it, and one that names nothing cannot be compared.
  const isHeardIn = streamId !== null && heardStreamId !== null && heardStreamId <= streamId;
  const covered =
    isKept && !list.isStale ? new Set([streamId, ...(isHeardIn ? [heardStreamId] : [])]) : undefined;
  return { isKept, covered, answered: streamId };
}

async function takeUpdate(
  lists: RemoteDeviceListTransactor,
  known: KnownList | undefined,
  update: DeviceListUpdate,
): Promise<'applied' | 'noted' | 'missed' | 'repeated'> {
  if (known === undefined) return 'noted';
  const { userId, deviceId, streamId, prevIds, isDeleted, displayName, keys } = update;
  const { covered } = known;
  if (covered?.has(streamId) === true) return 'repeated';
  const follows = prevIds.length > 0 && prevIds.every((prevId) => covered?.has(prevId));
  if (follows && known.answered !== null && streamId <= known.answered) {
    // It was on its way when the list was asked for. The answer has it, and perhaps what came after it.
    covered?.add(streamId);
    await lists.hear(userId, streamId);
    return 'repeated';
  }
  if (follows) {
    const device = isDeleted ? undefined : { deviceId, displayName, keys };
    await lists.update(userId, streamId, deviceId, device);
    known.covered = new Set([streamId]);
    return 'applied';
  }
  known.covered = undefined;
  await lists.markStale(userId, streamId, known.isKept ? Date.now() : null);
  return known.isKept ? 'missed' : 'noted';
}

async function takeKeyUpdate(
  lists: RemoteDeviceListTransactor,
  known: KnownList | undefined,
  { userId, masterKey, selfSigningKey }: SigningKeyUpdate,
): Promise<void> {
  if (known === undefined) return;
  // What is stale is heard of as well: an answer that is under way may be older.
  await lists.updateKeys(userId, { masterKey, selfSigningKey });
}
