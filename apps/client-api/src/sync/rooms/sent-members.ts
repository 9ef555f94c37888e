import type { DeviceId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const DEVICES = 10_000;
const MEMBERS_PER_DEVICE = 100;

/** A device of a user. */
export interface SyncingDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
}

type DeviceKey = `${string} ${string}`;

/**
 * Remembers which member events each device got lately, so that lazily loaded members are not told again. What a device got counts
 * only once it comes back with a token from then or later: an answer may get lost. What is forgotten here, or was told by
 * another instance, is told again, which is allowed.
 */
@Injectable()
export class SentMembers {
  /** By device: the position of the answer in which each member event was last told. */
  private readonly devices = new LRUCache<DeviceKey, Map<number, number>>({ max: DEVICES });

  has(device: SyncingDevice, eventNid: number, since: number): boolean {
    const sentAt = this.devices.get(keyOf(device))?.get(eventNid);
    return sentAt !== undefined && sentAt <= since;
  }

  add(device: SyncingDevice, eventNids: readonly number[], position: number): void {
    if (eventNids.length === 0) return;
    const sent = this.devices.get(keyOf(device)) ?? new Map<number, number>();
    for (const nid of eventNids) {
      const earlier = sent.get(nid);
      sent.delete(nid);
      sent.set(nid, Math.min(earlier ?? position, position));
    }
    for (const nid of sent.keys()) {
      if (sent.size <= MEMBERS_PER_DEVICE) break;
      sent.delete(nid);
    }
    this.devices.set(keyOf(device), sent);
  }

  /** The device starts anew, knowing nothing. */
  forget(device: SyncingDevice): void {
    this.devices.delete(keyOf(device));
  }
}

function keyOf({ userId, deviceId = '' as DeviceId }: SyncingDevice): DeviceKey {
  return `${userId} ${deviceId}`;
}
