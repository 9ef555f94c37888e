import type { Config } from '@atoll/config';
import { DeviceReader, encodeToken, type StreamPositions } from '@atoll/database';
import { unknownToken } from '@atoll/http';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { type ComputedSync, SyncComputer } from './sync-computer.js';
import type { SyncRequest } from './sync-request.js';
import { Turnstile } from './turnstile.js';
import type { Waiter } from './waiting/waiter.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

/** Answers syncs, at once or when there is something to tell. */
@Injectable()
export class SyncHandler {
  private readonly turnstile: Turnstile;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly computer: SyncComputer,
    private readonly waiting: WaitingSyncs,
    private readonly devices: DeviceReader,
  ) {
    // An event in a large room wakes thousands at once: they must not keep the pool's connections from everybody else.
    this.turnstile = new Turnstile(Math.max(1, Math.floor(config.databasePoolSize / 3)));
  }

  /**
   * JSON of the answer. Without news it waits up to `timeoutMs`, and looks again each time something happens that concerns the user
   * until something passes the filter.
   * @throws MatrixError 401 when the device is gone by then
   */
  async answer(request: SyncRequest, timeoutMs: number, waiter: Waiter): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    const mayWait = timeoutMs > 0 && request.since !== undefined && !request.fullState;
    let to: StreamPositions | undefined;
    for (;;) {
      const [{ body, isEmpty, positions, joinedRooms }] = await Promise.all([
        this.compute(request, to),
        to && this.assertStillLoggedIn(request),
      ]);
      if (!isEmpty || !mayWait || performance.now() >= deadline) return body;
      const outcome = await this.waiting.wait(waiter, { rooms: joinedRooms, positions, deadline });
      if (outcome !== 'woken') return `{"next_batch":${JSON.stringify(encodeToken(positions))}}`;
      to = this.waiting.visible(positions);
    }
  }

  /** Whoever has logged out while waiting learns nothing more. */
  private async assertStillLoggedIn({ userId, deviceId }: SyncRequest): Promise<void> {
    if (deviceId !== undefined && !(await this.devices.find(userId, deviceId))) throw unknownToken();
  }

  private compute(request: SyncRequest, to: StreamPositions | undefined): Promise<ComputedSync> {
    return this.turnstile.pass(() => this.computer.compute(request, to));
  }
}
