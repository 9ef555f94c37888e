import type { EventId } from '@atoll/matrix';
import type { Database } from '../open-database.js';

export interface ThreadEntry {
  readonly rootId: EventId;
  /** Of the latest reply. */
  readonly position: number;
}

/** Finds the threads of a room. */
export class ThreadReader {
  constructor(private readonly database: Database) {}

  /** Threads by their latest reply, the newest first; from those on whose latest reply is at `from` or before it. */
  async latest(roomNid: number, from: number | undefined, limit: number): Promise<ThreadEntry[]> {
    return this.latestQuery(roomNid, from, limit).execute();
  }

  /** @internal For the test that looks at its plan. */
  latestQuery(roomNid: number, from: number | undefined, limit: number) {
    return this.database.db
      .selectFrom('threads')
      .select(['root_event_id as rootId', 'latest_position as position'])
      .$narrowType<{ position: number }>()
      .where('room_nid', '=', roomNid)
      .where('latest_position', 'is not', null)
      .$if(from !== undefined, (query) => query.where('latest_position', '<=', from ?? 0))
      .orderBy('latest_position', 'desc')
      .limit(limit);
  }
}
