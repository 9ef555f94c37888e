import { Injectable } from '@nestjs/common';
import { DeviceInbox } from '../../sync/device-inbox.js';
import type { SlidingContext } from '../sliding-context.js';
import type { SlidingRequest, ToDeviceRequest } from '../sliding-request.js';

const VERSION = 'd1';
const RADIX = 36;

/**
 * Messages to the device. The extension has a token of its own, which clients keep over connections: what they come back with is
 * acknowledged.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3885
 */
@Injectable()
export class ToDeviceExtension {
  constructor(private readonly inbox: DeviceInbox) {}

  /** The device has everything that it was told before. Before anything is waited for. */
  async acknowledge(request: SlidingRequest): Promise<void> {
    await this.inbox.acknowledge(request, request.extensions.toDevice?.since ?? 0);
  }

  async load({ request, to }: SlidingContext, { since, limit }: ToDeviceRequest) {
    const upper = Math.max(to.to_device, since);
    const { events, upTo } = await this.inbox.next(request, since, upper, limit);
    return { next_batch: encodeToDeviceToken(upTo), events: [...events] };
  }
}

function encodeToDeviceToken(position: number): string {
  return `${VERSION}_${position.toString(RADIX)}`;
}

/** `0`, which earlier releases gave, is the beginning. @returns undefined for what is no token of this extension */
export function decodeToDeviceToken(token: string): number | undefined {
  if (token === '0') return 0;
  const [, position] = /^d1_([0-9a-z]{1,10})$/.exec(token) ?? [];
  return position === undefined ? undefined : Number.parseInt(position, RADIX);
}
