import { type InboxOwner, ToDeviceReader } from '@atoll/database';
import type { DeviceId, JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** @see https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging */
export const MAX_TO_DEVICE = 100;

/** What an answer tells of an inbox. */
export interface ToldToDevice {
  readonly events: readonly JsonObject[];
  /** When the client comes back with this, it has everything up to here. */
  readonly upTo: number;
}

/** Whose sync it is; an application service may have no device. */
interface Syncing {
  readonly userId: UserId;
  readonly deviceId: DeviceId | undefined;
}

/** Tells devices their messages until they have acknowledged them. */
@Injectable()
export class DeviceInbox {
  constructor(private readonly reader: ToDeviceReader) {}

  /** The messages that come next, in order of arrival; those after them wait for the next answer. */
  async next(device: Syncing, since: number, to: number, limit = MAX_TO_DEVICE): Promise<ToldToDevice> {
    if (!hasInbox(device)) return { events: [], upTo: Math.max(since, to) };
    const { messages, upTo } = await this.reader.page(device, since, to, limit);
    const events = messages.map(({ sender, type, content }): JsonObject => {
      return { sender, type, content: JSON.parse(content) as JsonObject };
    });
    return { events, upTo };
  }

  /** The device has everything that it was told up to there. */
  async acknowledge(device: Syncing, upTo: number): Promise<void> {
    if (upTo > 0 && hasInbox(device)) await this.reader.acknowledge(device, upTo);
  }
}

function hasInbox(device: Syncing): device is InboxOwner {
  return device.deviceId !== undefined;
}
