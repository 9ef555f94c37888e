import type { StreamPositions } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { DeviceInbox } from './device-inbox.js';
import { LoginCheck } from './login-check.js';
import { type ComputedSync, SyncComputer } from './sync-computer.js';
import type { SyncRequest } from './sync-request.js';
import { SyncTurnstile } from './sync-turnstile.js';
import type { Waiter } from './waiting/waiter.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

/** Answers syncs, at once or when there is something to tell. */
@Injectable()
export class SyncHandler {
  constructor(
    private readonly turnstile: SyncTurnstile,
    private readonly computer: SyncComputer,
    private readonly waiting: WaitingSyncs,
    private readonly login: LoginCheck,
    private readonly inbox: DeviceInbox,
  ) {}

  /**
   * JSON of the answer. Without news it waits up to `timeoutMs`, and looks again each time something happens that concerns the user
   * until something passes the filter.
   * @throws MatrixError 401 when the device is gone by then
   */
  async answer(request: SyncRequest, timeoutMs: number, waiter: Waiter): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    const mayWait = timeoutMs > 0 && request.since !== undefined && !request.fullState;
    if (request.toDevice) await this.inbox.acknowledge(request, request.since?.to_device ?? 0);
    let to: StreamPositions | undefined;
    for (;;) {
      const [{ body, isEmpty, positions, joinedRooms }] = await Promise.all([
        this.compute(request, to),
        to && this.login.assertLoggedIn(request),
      ]);
      if (!isEmpty || !mayWait || performance.now() >= deadline) return body;
      const outcome = await this.waiting.wait(waiter, {
        rooms: joinedRooms,
        // Only sliding sync tells of subscriptions to threads.
        positions: { ...positions, thread_subscriptions: Number.MAX_SAFE_INTEGER },
        deadline,
      });
      if (outcome !== 'woken') return body;
      to = this.waiting.visible(positions);
    }
  }

  private compute(request: SyncRequest, to: StreamPositions | undefined): Promise<ComputedSync> {
    return this.turnstile.pass(() => this.computer.compute(request, to));
  }
}
