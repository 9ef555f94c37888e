import { type JoinedRooms, KeyCountReader, type StreamPositions } from '@atoll/database';
import type { DeviceId, JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { DeviceListChanges } from './device-list-changes.js';

export interface KeyNewsQuery {
  readonly userId: UserId;
  /** Undefined for a token that is of no device: it has no keys. */
  readonly deviceId: DeviceId | undefined;
  /** Undefined for a first answer, which tells no lists. */
  readonly since: StreamPositions | undefined;
  readonly to: StreamPositions;
}

/** What an answer of a sync tells of keys. */
export interface ToldKeys {
  /** `device_lists`, the counts of one-time keys, and the unused fallback keys. */
  readonly body: JsonObject;
  /** There is something in it for which a client would be woken. */
  readonly isNews: boolean;
}

/**
 * What every kind of sync tells of keys for end-to-end encryption. Counts are in each answer, and are news when they have changed.
 * @see https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
 */
@Injectable()
export class KeyNews {
  constructor(
    private readonly lists: DeviceListChanges,
    private readonly counts: KeyCountReader,
  ) {}

  async load({ userId, deviceId, since, to }: KeyNewsQuery, rooms: JoinedRooms): Promise<ToldKeys> {
    const device = deviceId && { userId, deviceId };
    const [lists, counts, countsChanged] = await Promise.all([
      since && this.lists.between(userId, rooms, since, to),
      device && this.counts.of(device),
      device !== undefined &&
        since !== undefined &&
        since.key_counts < to.key_counts &&
        this.counts.changed(device, since.key_counts, to.key_counts),
    ]);
    const hasLists = lists !== undefined && lists.changed.length + lists.left.length > 0;
    return {
      body: {
        ...(hasLists && { device_lists: { changed: [...lists.changed], left: [...lists.left] } }),
        ...(counts && {
          device_one_time_keys_count: counts.oneTimeKeys,
          device_unused_fallback_key_types: [...counts.unusedFallbackKeys],
        }),
      },
      isNews: hasLists || countsChanged,
    };
  }
}
