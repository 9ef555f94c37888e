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
import type { SharingServers } from './sharing-servers.js';

/** Of the EDUs of one transaction; keys may be long. */
const MAX_BYTES = 512 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;

export interface NextDeviceLists {
  readonly edus: readonly JsonObject[];
  /** What is acknowledged with them. */
  readonly progress: DeviceListProgress;
  readonly isMore: boolean;
}

/** What destinations are told of the devices of local users. */
export class DeviceListEdus {
  /** A change may be told as it is later: what came after it is told too. Undefined for one that nobody need hear of. */
  readonly #edus = new LRUCache<string, { readonly edu: JsonObject | undefined; readonly size: number }>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ size }) => size,
  });

  constructor(
    private readonly reader: OutgoingDeviceReader,
    private readonly keys: DeviceKeyReader,
    private readonly sharing: Pick<SharingServers, 'lately'>,
  ) {}

  /**
   * The next EDUs for a destination: the changes of users who share a room with it, in order; of a commit with more changes than fit only the
   * newest. When there are none, of users who came their newest change, whose `prev_id` tells the destination that it has not seen all.
   * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
   */
  async next(destination: ServerName, limit: number): Promise<NextDeviceLists | undefined> {
    const owed = await this.reader.owedTo(destination, limit);
    if (owed === undefined) return undefined;
    if (owed.changes.length === 0) return this.introductions(owed);
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

  private async introductions(owed: OwedDeviceLists): Promise<NextDeviceLists> {
    const newest = await this.reader.newestOf(owed.introductions.map(({ userId }) => userId));
    const told = new Map((await this.edusOf(newest)).map(({ change, edu }) => [change.userId, edu]));
    const edus: JsonObject[] = [];
    const introductions: Introduction[] = [];
    let bytes = 0;
    for (const introduction of owed.introductions) {
      const edu = told.get(introduction.userId);
      bytes += JSON.stringify(edu ?? '').length;
      if (introductions.length > 0 && bytes > MAX_BYTES) break;
      introductions.push(introduction);
      if (edu) edus.push(edu);
    }
    const isMore = owed.isTruncated || introductions.length < owed.introductions.length;
    return { edus, progress: { upTo: undefined, introductions }, isMore };
  }

  private async edusOf(changes: readonly DeviceChange[]): Promise<readonly ToldChange[]> {
    const missing = changes.filter((change) => !this.#edus.has(keyOf(change)));
    const made = missing.length > 0 ? await this.make(missing) : new Map<string, JsonObject | undefined>();
    return changes.map((change) => {
      const key = keyOf(change);
      return { change, edu: made.get(key) ?? this.#edus.get(key)?.edu };
    });
  }

  private async make(changes: readonly DeviceChange[]): Promise<Map<string, JsonObject | undefined>> {
    const userIds = [...new Set(changes.map(({ userId }) => userId))];
    const devices = Map.groupBy(await this.reader.devicesOf(userIds), ({ userId }) => userId);
    const keys = changes.some(({ deviceId }) => deviceId === '')
      ? await this.keys.crossSigningKeysOf(userIds, undefined)
      : [];
    const made = new Map<string, JsonObject | undefined>();
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
      made.set(keyOf(change), edu);
      this.#edus.set(keyOf(change), { edu, size: 200 + 2 * JSON.stringify(edu ?? '').length });
    }
    return made;
  }
}

interface ToldChange {
  readonly change: DeviceChange;
  readonly edu: JsonObject | undefined;
}

/** As many whole commits as fit, and of the first at least its newest changes. */
function fitting(changes: readonly ToldChange[], limit: number) {
  const edus: JsonObject[] = [];
  let bytes = 0;
  let upTo: number | undefined;
  for (const [position, commit] of Map.groupBy(changes, ({ change }) => change.position)) {
    const ofCommit = commit.flatMap(({ edu }) => (edu === undefined ? [] : [edu]));
    bytes += JSON.stringify(ofCommit).length;
    if (upTo !== undefined && (edus.length + ofCommit.length > limit || bytes > MAX_BYTES))
      return { edus, upTo, isComplete: false };
    edus.push(...ofCommit.slice(-limit));
    upTo = position;
  }
  return { edus, upTo, isComplete: true };
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
