import { BackfillRoom } from '@atoll/contract';
import { HistoryReader, type RoomRecord, type TimelinePoint } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';

/** What asking for older history has led to; `failed` may be tried again later. */
export type Fetched = 'added' | 'nothing' | 'failed';

/** Bounds of what one request to other servers is for: few events are not worth one. */
const LEAST = 20;
const MOST = 100;

/** Gets history that this server missed, from before it came into a room or since, where somebody scrolls back to it. */
@Injectable()
export class OlderHistory {
  constructor(
    private readonly history: HistoryReader,
    private readonly rooms: RoomClient,
  ) {}

  /**
   * The newest place that somebody who read backwards came to, and at which other servers may know more: the position of the event that
   * follows.
   * @param from where the reading began; everything, when undefined
   * @param to where it ended; everything that there is was read, when undefined
   */
  gapBetween(
    { roomNid }: RoomRecord,
    from: TimelinePoint | undefined,
    to: TimelinePoint | undefined,
  ): Promise<number | undefined> {
    return this.history.newestGap(roomNid, {
      upTo: from === undefined ? Number.MAX_SAFE_INTEGER : from[0],
      above: to === undefined ? Number.MIN_SAFE_INTEGER : to[0],
    });
  }

  /**
   * Asks for about so many events, which then come just before the event at a position, and after all that came before it; by default
   * where something is missing deepest in the room.
   */
  async fetch(
    { roomId }: RoomRecord,
    { before, events, timeoutMs }: { before?: number; events: number; timeoutMs: number },
  ): Promise<Fetched> {
    const limit = Math.min(Math.max(events, LEAST), MOST);
    const wanted = { roomId, limit, ...(before !== undefined && { before }) };
    try {
      const { added } = await this.rooms.request(BackfillRoom, wanted, { timeoutMs });
      return added > 0 ? 'added' : 'nothing';
    } catch (error) {
      if (error instanceof MatrixError) return 'failed';
      throw error;
    }
  }
}
