import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '@atoll/config';
import type { DeviceId, UserId } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, LOGGER } from '../platform/tokens.js';
import { type SeenDevice, setBySync } from './presence-changes.js';
import { PresenceMemory, type PresentDevice, SYNC_LASTS_MS } from './presence-memory.js';
import { PresenceWriter } from './presence-writer.js';
import { RecentPresence } from './recent-presence.js';

const TOUCH_EVERY_MS = 10_000;
/** What this process knows of a device that it touched so lately is relied on: before a sweep could find it gone. */
const RELIED_ON_MS = 2 * TOUCH_EVERY_MS;
/** A sync does not wait longer for Redis. */
const REDIS_TAKES_AT_MOST_MS = 2_000;
const DEVICES = 50_000;

/** The devices whose syncs this process answers: tells Redis that they sync, and PostgreSQL what their users thereby become. */
@Injectable()
export class SyncingDevices implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly inFlight = new Map<string, { device: PresentDevice; syncs: number }>();
  /** When each device was last touched, by the monotonic clock. */
  private readonly touched = new LRUCache<string, number>({ max: DEVICES });
  private timer: NodeJS.Timeout | undefined;
  private isFailing = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly memory: PresenceMemory,
    private readonly recent: RecentPresence,
    private readonly writer: PresenceWriter,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.touchWaiting(), TOUCH_EVERY_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * A sync begins. `offline` leaves everything as it is.
   * @returns what to call when it ends
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
   */
  async begin(
    userId: UserId,
    deviceId: DeviceId | undefined,
    said: 'online' | 'unavailable' | 'offline' = 'online',
  ): Promise<() => void> {
    if (!this.config.presence || said === 'offline') return () => undefined;
    const device: PresentDevice = { userId, deviceId: deviceId ?? '', said };
    const key = keyOf(device);
    const entry = this.inFlight.get(key) ?? { device, syncs: 0 };
    entry.syncs++;
    this.inFlight.set(key, entry);
    try {
      await this.tell(device);
    } catch (error) {
      this.fail(error);
    }
    return () => {
      entry.syncs--;
      if (entry.syncs === 0) this.inFlight.delete(key);
    };
  }

  private async tell(device: PresentDevice): Promise<void> {
    const key = keyOf(device);
    const age = performance.now() - (this.touched.get(key) ?? -Infinity);
    const isConfirmed = age < RELIED_ON_MS && this.recent.isConfirmed(device.userId);
    if (isConfirmed && age < TOUCH_EVERY_MS) return;
    const seen = await this.touch(device, age);
    if (isConfirmed) return;
    await this.recent.confirm(device.userId, () =>
      this.writer.change([device.userId], setBySync(device.said, seen, Date.now())),
    );
  }

  /** Where Redis does not know of the device, for it was flushed or is out of reach, this process may. */
  private async touch(device: PresentDevice, age: number): Promise<SeenDevice> {
    const isSame = age < SYNC_LASTS_MS;
    this.touched.set(keyOf(device), performance.now());
    for (const said of ['online', 'unavailable'] as const) {
      if (said !== device.said) this.touched.delete(keyOf({ ...device, said }));
    }
    const late = sleep(REDIS_TAKES_AT_MOST_MS, undefined, { ref: false });
    const touched = this.memory.touch(device).catch((error: unknown) => {
      this.fail(error);
    });
    const seen = await Promise.race([touched, late]);
    return seen?.isKnown ? seen : { isOnline: device.said === 'online', ...seen, isSame };
  }

  private async touchWaiting(): Promise<void> {
    try {
      const devices = [...this.inFlight.values()].map(({ device }) => device);
      const now = performance.now();
      for (const device of devices) this.touched.set(keyOf(device), now);
      await this.memory.touchAgain(devices);
      this.isFailing = false;
    } catch (error) {
      this.fail(error);
    }
  }

  /** One line an outage. */
  private fail(error: unknown): void {
    if (!this.isFailing) logError(this.logger, error, 'Who syncs could not be noted');
    this.isFailing = true;
  }
}

function keyOf({ userId, deviceId, said }: PresentDevice): string {
  return `${userId} ${deviceId} ${said}`;
}
