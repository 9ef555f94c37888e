import type { StreamPositions } from '@atoll/database';
import { unknownToken } from '@atoll/http';
import { MatrixError } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RateLimiter } from '../auth/rate-limiter.js';
import { LoginCheck } from '../sync/login-check.js';
import { SentMembers } from '../sync/rooms/sent-members.js';
import { SyncTurnstile } from '../sync/sync-turnstile.js';
import type { Waiter } from '../sync/waiting/waiter.js';
import { WaitingSyncs } from '../sync/waiting/waiting-syncs.js';
import { ToDeviceExtension } from './extensions/to-device-extension.js';
import { Connections } from './memory/connections.js';
import { NOTHING } from './memory/connection-memory.js';
import { decodePos, encodePos, type Pos } from './pos.js';
import { type ComputedSlidingSync, type SlidingBase, SlidingComputer } from './sliding-computer.js';
import { listenerOf, tellsCounts } from './sliding-context.js';
import type { SlidingRequest } from './sliding-request.js';

/** Where a client is, and how long it waits. */
export interface SlidingPoll {
  readonly pos: string | undefined;
  readonly timeoutMs: number;
}

/** Answers requests of sliding sync, at once or when there is something to tell. */
@Injectable()
export class SlidingSyncHandler {
  constructor(
    private readonly turnstile: SyncTurnstile,
    private readonly computer: SlidingComputer,
    private readonly connections: Connections,
    private readonly waiting: WaitingSyncs,
    private readonly login: LoginCheck,
    private readonly toDevice: ToDeviceExtension,
    private readonly sent: SentMembers,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * JSON of the answer. A first request is answered at once; others wait until there is something to tell.
   * @throws MatrixError 400 `M_UNKNOWN_POS`; 400 `M_INVALID_PARAM` when it asks for too much; 401 when the device is gone by then;
   *   429 when the user starts connections, or asks for other things than before, too often
   */
  async answer(request: SlidingRequest, { pos, timeoutMs }: SlidingPoll, waiter: Waiter): Promise<string> {
    // 1. What the client knows.
    if (pos === undefined) await this.limiter.take('sliding-memory', request.userId);
    const base = pos === undefined ? { memory: NOTHING } : await this.baseOf(request, pos);

    await this.toDevice.acknowledge(request);

    // 2. What it does not know; the wait for that.
    const deadline = performance.now() + (base.pos ? timeoutMs : 0);
    let to: StreamPositions | undefined;
    for (;;) {
      const [computed] = await Promise.all([
        this.turnstile.pass(() => this.computer.compute(request, base, to)),
        to && this.login.assertLoggedIn(request),
      ]);
      if (!computed.isEmpty || performance.now() >= deadline)
        return this.tell(request, base, computed, waiter);
      const outcome = await this.waiting.wait(waiter, {
        rooms: computed.joinedRooms,
        positions: wokenBy(request, computed),
        deadline,
        onlyPeople: computed.isAboutNoRoom,
      });
      if (outcome !== 'woken') return this.tell(request, base, computed, waiter);
      to = this.waiting.visible(computed.positions);
    }
  }

  private async baseOf(request: SlidingRequest, text: string): Promise<SlidingBase> {
    const pos = decodePos(text);
    const memory = pos && (await this.connections.find(request, pos));
    if (memory === undefined) {
      // The connections of a device go with it.
      await this.login.assertLoggedIn(request);
      throw unknownPos();
    }
    return { memory, pos };
  }

  private async tell(
    request: SlidingRequest,
    base: SlidingBase,
    computed: ComputedSlidingSync,
    waiter: Waiter,
  ): Promise<string> {
    // Nobody reads the answer: the request that takes the place of this one shall not find the memory moved on.
    if (waiter.isClosed) return '{}';
    const next = encodePos(await this.nextPos(request, base, computed));
    const since = base.pos && encodePos(base.pos);
    this.sent.note(listenerOf(request), { since, next }, computed.toldMembers);
    return computed.body.toString(next);
  }

  /** 3. What the client will know, written down where that is another thing. */
  private async nextPos(
    request: SlidingRequest,
    { pos }: SlidingBase,
    { isEmpty, next, positions }: ComputedSlidingSync,
  ): Promise<Pos> {
    if (pos === undefined) {
      const opened = await this.connections.open(request, next.memory);
      if (opened === undefined) throw unknownToken();
      return { ...opened, positions };
    }
    if (!next.isChanged) return { ...pos, positions };
    // An answer that tells nothing leaves the client where it is, rather than to write down what it was not told.
    if (isEmpty) return pos;
    await this.limiter.take('sliding-memory', request.userId);
    const advanced = await this.connections.advance(pos, next.memory);
    if (advanced === undefined) throw unknownPos();
    return { ...advanced, positions };
  }
}

/** Streams of which nothing is told do not wake. */
function wokenBy(
  request: SlidingRequest,
  { positions, isAboutNoRoom }: ComputedSlidingSync,
): StreamPositions {
  const { extensions } = request;
  const never = Number.MAX_SAFE_INTEGER;
  const hasReceipts = extensions.receipts !== undefined || (tellsCounts(request) && !isAboutNoRoom);
  return {
    ...positions,
    presence: never,
    ...(extensions.typing === undefined && { typing: never }),
    ...(!hasReceipts && { receipts: never }),
    ...(extensions.threadSubscriptions === undefined && { thread_subscriptions: never }),
    ...(extensions.toDevice === undefined && { to_device: never }),
    ...(extensions.e2ee !== true && { device_lists: never, key_counts: never }),
  };
}

function unknownPos(): MatrixError {
  return new MatrixError(400, 'M_UNKNOWN_POS', 'The connection is not known any more, start a new one');
}
