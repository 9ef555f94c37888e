import { BackfillRoom } from '@atoll/contract';
import { HistoryReader, type RoomRecord } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';

/** What asking for older history has led to; `failed` may be tried again later. */
export type Fetched = 'added' | 'nothing' | 'failed';

/** Bounds of what one request to other servers is for: few events are not worth one. */
const LEAST = 20;
const MOST = 100;

/** Gets history from before this server came into a room, where somebody scrolls back to it. */
@Injectable()
export class OlderHistory {
  constructor(
    private readonly history: HistoryReader,
    private readonly rooms: RoomClient,
  ) {}

  /** Whether other servers may know events from before those that are here. */
  isIncomplete({ roomNid }: RoomRecord): Promise<boolean> {
    return this.history.isIncomplete(roomNid);
  }

  /** Asks for about so many events, which then come before all that the room had. */
  async fetch({ roomId }: RoomRecord, events: number, timeoutMs: number): Promise<Fetched> {
    const limit = Math.min(Math.max(events, LEAST), MOST);
    try {
      const { added } = await this.rooms.request(BackfillRoom, { roomId, limit }, { timeoutMs });
      return added > 0 ? 'added' : 'nothing';
    } catch (error) {
      if (error instanceof MatrixError) return 'failed';
      throw error;
    }
  }
}
