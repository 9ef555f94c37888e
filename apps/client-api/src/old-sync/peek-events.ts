import { encodeToken, EventReader, type StreamPositions } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../events/client-events.js';
import { WantedEvents } from '../events/wanted-events.js';
import { RoomAccess } from '../rooms/access/room-access.js';
import type { Waiter } from '../sync/waiting/waiter.js';
import { WaitingSyncs } from '../sync/waiting/waiting-syncs.js';

const MAX_EVENTS = 100;

export interface Wait {
  readonly since: StreamPositions;
  /** ms */
  readonly timeout: number;
  readonly waiter: Waiter;
}

/** What happens in a room that the user can read, without being in it. */
@Injectable()
export class PeekEvents {
  constructor(
    private readonly access: RoomAccess,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
    private readonly wantedEvents: WantedEvents,
    private readonly waiting: WaitingSyncs,
  ) {}

  /**
   * The next events that the user may see and wants; waits for some when there are none. May the room still be read? is asked again each time.
   * @throws MatrixError 403
   */
  async next(
    viewer: Viewer,
    roomId: RoomId,
    { since, timeout, waiter }: Wait,
  ): Promise<{ chunk: JsonObject[]; end: string }> {
    const deadline = performance.now() + timeout;
    let positions = since;
    for (;;) {
      const { room, until } = await this.access.readable(viewer.userId, roomId);
      const upTo = until ?? Number.MAX_SAFE_INTEGER;
      const found = await this.events.stream(room.roomNid, positions.events, upTo, MAX_EVENTS);
      const wantedOf = await this.wantedEvents.of(viewer);
      const served = await this.clientEvents.serve(viewer, await wantedOf(found));
      positions = { ...positions, events: found.at(-1)?.position ?? positions.events };
      const isOver = served.length > 0 || until !== undefined || performance.now() >= deadline;
      const wait = { rooms: [room.roomNid], positions, deadline };
      if (isOver || (await this.waiting.wait(waiter, wait)) !== 'woken') {
        return { chunk: served.map(({ body }) => body), end: encodeToken(positions) };
      }
    }
  }
}
