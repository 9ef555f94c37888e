import {
  DeviceKeyReader,
  type DeviceChange,
  type DeviceListProgress,
  type Introduction,
  type OutgoingDeviceReader,
  type OwedDeviceLists,
} from '@atoll/database';
import type { JsonObject, ServerName, UserId } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import { MAX_EDUS } from '../sending/edu-queue.js';
import type { SharingServers } from './sharing-servers.js';

/** Of the EDUs of one transaction; keys may be long. */
const MAX_BYTES = 512 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;
/** Places in a transaction that messages to devices leave for what has to be told here: no commit waits for more. */
export const LEAST_PLACES = MAX_EDUS / 2;

export interface NextDeviceLists {
  readonly edus: readonly JsonObject[];
  /** What is acknowledged with them. */
  readonly progress: DeviceListProgress;
  readonly isMore: boolean;
}

/** What destinations are told of the devices of local users. */
export class DeviceListEdus {
  /** A change may be told as it is later: what came after it is told too. Undefined for one that nobody need hear of. */
  readonly #edus: LRUCache<string, MadeEdu>;

  constructor(
    private readonly reader: Pick<OutgoingDeviceReader, 'owedTo' | 'introducing' | 'devicesOf'>,
    private readonly keys: Pick<DeviceKeyReader, 'crossSigningKeysOf'>,
    private readonly sharing: Pick<SharingServers, 'lately'>,
    cacheBytes = CACHE_BYTES,
  ) {
    this.#edus = new LRUCache({ maxSize: cacheBytes, sizeCalculation: ({ size }) => size });
  }

  /**
   * The next EDUs for a destination: the changes of users who share a room with it, in order. When there are none, of users who came their
   * newest change, whose `prev_id` tells the destination that it has not seen all, and their cross-signing keys, which are in no such chain.
   * What belongs together and does not fit waits for the next transaction. Of a commit with more changes than have to fit only the newest are
   * told, with the cross-signing keys.
   * @param limit places for EDUs, at most {@link MAX_EDUS}
   * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
   */
  async next(destination: ServerName, limit: number): Promise<NextDeviceLists | undefined> {
    const owed = await this.reader.owedTo(destination, limit);
    if (owed === undefined) return undefined;
    if (owed.changes.length === 0) return this.introductions(owed, limit);
    const users = [...new Set(owed.changes.map(({ userId }) => userId))];
    const sharing = await this.sharing.lately(users);
    const concerning = owed.changes.filter(({ userId }) => sharing.get(userId)?.has(destination));
    const told = fitting(await this.edusOf(concerning), limit);
    const upTo = told.isComplete
      ? owed.isTruncated
        ? (owed.changes.at(-1)?.position ?? owed.newest)
        : owed.newest
      : told.upTo;
    return {
      edus: told.edus,
      progress: { upTo, introductions: [] },
      isMore: owed.isTruncated || !told.isComplete || owed.introductions.length > 0,
    };
  }

  /** Without a look whether a room is still shared: any server may ask for these lists. */
  private async introductions(owed: OwedDeviceLists, limit: number): Promise<NextDeviceLists> {
    const newest = await this.reader.introducing(owed.introductions.map(({ userId }) => userId));
    const told = Map.groupBy(await this.edusOf(newest), ({ change }) => change.userId);
    const edus: JsonObject[] = [];
    const introductions: Introduction[] = [];
    let bytes = 0;
    for (const introduction of owed.introductions) {
      const ofUser = (told.get(introduction.userId) ?? []).flatMap(({ edu }) =>
        edu === undefined ? [] : [edu],
      );
      bytes += JSON.stringify(ofUser).length;
      if (edus.length + ofUser.length > limit || (introductions.length > 0 && bytes > MAX_BYTES)) break;
      introductions.push(introduction);
      edus.push(...ofUser);
    }
    const isMore = owed.isTruncated || introductions.length < owed.introductions.length;
    return { edus, progress: { upTo: undefined, introductions }, isMore };
  }

  private async edusOf(changes: readonly DeviceChange[]): Promise<readonly ToldChange[]> {
    // Taken before anything is made: that may drive them out of the cache.
    const known = new Map(changes.map((change) => [change, this.#edus.get(keyOf(change))]));
    const missing = changes.filter((change) => known.get(change) === undefined);
    const made = missing.length > 0 ? await this.make(missing) : new Map<DeviceChange, MadeEdu>();
    return changes.map((change) => ({ change, edu: (known.get(change) ?? made.get(change))?.edu }));
  }

  private async make(changes: readonly DeviceChange[]): Promise<Map<DeviceChange, MadeEdu>> {
    const userIds = [...new Set(changes.map(({ userId }) => userId))];
    const devices = Map.groupBy(await this.reader.devicesOf(userIds), ({ userId }) => userId);
    const keys = changes.some(({ deviceId }) => deviceId === '')
      ? await this.keys.crossSigningKeysOf(userIds, undefined)
      : [];
    const made = new Map<DeviceChange, MadeEdu>();
    for (const change of changes) {
      const { userId, deviceId } = change;
      const edu =
        deviceId === ''
          ? signingKeyEdu(
              userId,
              (usage) => keys.find((key) => key.userId === userId && key.usage === usage)?.key,
            )
          : deviceEdu(
              change,
              devices.get(userId)?.find((device) => device.deviceId === deviceId),
            );
      const one = { edu, size: 200 + 2 * JSON.stringify(edu ?? '').length };
      made.set(change, one);
      this.#edus.set(keyOf(change), one);
    }
    return made;
  }
}

interface MadeEdu {
  readonly edu: JsonObject | undefined;
  /** In the cache. */
  readonly size: number;
}

interface ToldChange {
  readonly change: DeviceChange;
  readonly edu: JsonObject | undefined;
}

/** As many whole commits as fit. */
function fitting(changes: readonly ToldChange[], limit: number) {
  const edus: JsonObject[] = [];
  let bytes = 0;
  let upTo: number | undefined;
  for (const [position, commit] of Map.groupBy(changes, ({ change }) => change.position)) {
    const ofCommit = edusTold(commit, upTo === undefined && limit >= LEAST_PLACES ? limit : MAX_EDUS);
    bytes += JSON.stringify(ofCommit).length;
    if (edus.length + ofCommit.length > limit || (upTo !== undefined && bytes > MAX_BYTES))
      return { edus, upTo, isComplete: false };
    edus.push(...ofCommit);
    upTo = position;
  }
  return { edus, upTo, isComplete: true };
}

/** What a transaction takes of one commit: where that is not all, the chain of devices has a gap, and cross-signing keys are in none. */
function edusTold(commit: readonly ToldChange[], limit: number): readonly JsonObject[] {
  const told = (isOfKeys: boolean) =>
    commit.flatMap(({ change, edu }) =>
      edu !== undefined && (change.deviceId === '') === isOfKeys ? [edu] : [],
    );
  const keys = told(true).slice(-limit);
  const devices = told(false);
  return [...keys, ...devices.slice(Math.max(0, devices.length - (limit - keys.length)))];
}

function keyOf({ userId, streamId }: DeviceChange): string {
  return `${userId} ${streamId}`;
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#definition-mdevice_list_update */
function deviceEdu(
  { userId, deviceId, streamId, prevId }: DeviceChange,
  device: { readonly displayName: string | null; readonly keys: JsonObject | undefined } | undefined,
): JsonObject {
  return {
    edu_type: 'm.device_list_update',
    content: {
      user_id: userId,
      device_id: deviceId,
      stream_id: streamId,
      prev_id: prevId === null ? [] : [prevId],
      ...(device === undefined && { deleted: true }),
      ...(device?.displayName != null && { device_display_name: device.displayName }),
      ...(device?.keys && { keys: device.keys }),
    },
  };
}

/** Undefined for a user who has no keys any more. @see https://spec.matrix.org/v1.19/server-server-api/#definition-msigning_key_update */
function signingKeyEdu(
  userId: UserId,
  keyOf: (usage: 'master' | 'self_signing') => JsonObject | undefined,
): JsonObject | undefined {
  const [master, selfSigning] = [keyOf('master'), keyOf('self_signing')];
  if (master === undefined && selfSigning === undefined) return undefined;
  return {
    edu_type: 'm.signing_key_update',
    content: {
      user_id: userId,
      ...(master && { master_key: master }),
      ...(selfSigning && { self_signing_key: selfSigning }),
    },
  };
}
