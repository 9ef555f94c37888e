import { EVENT_STATUS, STREAMS } from '@atoll/database';
import { type Pdu, prevEventIds } from '@atoll/matrix';
import pg from 'pg';

/** One event of a room's timeline, as PostgreSQL holds it. */
export interface LoggedEvent {
  position: number;
  eventId: string;
  depth: number;
  type: string;
  sender: string;
  content: Record<string, unknown>;
  prevEvents: readonly string[];
}

/** Looks at the database past every service, for what no endpoint tells. */
export class RoomLog {
  private constructor(private readonly client: pg.Client) {}

  static async connect(databaseUrl: string): Promise<RoomLog> {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'test' });
    // Tests end connections of the whole database.
    client.on('error', () => undefined);
    await client.connect();
    return new RoomLog(client);
  }

  close(): Promise<void> {
    return this.client.end();
  }

  /** The timeline in its order. */
  async events(roomId: string): Promise<LoggedEvent[]> {
    const { rows } = await this.client.query<{ position: string; event_id: string; json: string }>(
      `SELECT p.position, e.event_id, e.json FROM event_positions p JOIN events e USING (event_nid)
       JOIN rooms r ON r.room_nid = p.room_nid WHERE r.room_id = $1 ORDER BY p.position`,
      [roomId],
    );
    return rows.map(({ position, event_id, json }) => {
      const pdu = JSON.parse(json) as Pdu;
      return { ...pdu, position: Number(position), eventId: event_id, prevEvents: prevEventIds(pdu) };
    });
  }

  /** What the checks made of an event; undefined where it is not stored. */
  async statusOf(eventId: string): Promise<keyof typeof EVENT_STATUS | undefined> {
    const { rows } = await this.client.query<{ status: number }>(
      'SELECT status FROM events WHERE event_id = $1',
      [eventId],
    );
    const names = Object.keys(EVENT_STATUS) as (keyof typeof EVENT_STATUS)[];
    return names.find((name) => EVENT_STATUS[name] === rows[0]?.status);
  }

  /** What the push services have counted as unread by the user, by room; rooms in which they have not come to the end are missing. */
  async countedUnread(userId: string): Promise<Map<string, number>> {
    const { rows } = await this.client.query<{ room_id: string; notify: string | null }>(
      `SELECT r.room_id, (SELECT sum(u.notify) FROM unread_counts u WHERE u.user_nid = m.user_nid AND u.room_nid = r.room_nid) AS notify
       FROM state_keys k JOIN memberships m ON m.user_nid = k.state_key_nid JOIN rooms r USING (room_nid)
       JOIN push_cursors c USING (partition)
       WHERE k.state_key = $1 AND c.events_position >=
         (SELECT max(p.position) FROM event_positions p WHERE p.room_nid = r.room_nid)`,
      [userId],
    );
    return new Map(rows.map(({ room_id, notify }) => [room_id, Number(notify ?? 0)]));
  }

  async extremities(roomId: string): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      `SELECT cardinality(h.extremities) AS count FROM room_heads h JOIN rooms r USING (room_nid) WHERE r.room_id = $1`,
      [roomId],
    );
    return rows[0]?.count ?? 0;
  }

  /** Positions after `position`, the lowest first. */
  async positionsAfter(position: number): Promise<number[]> {
    const { rows } = await this.client.query<{ position: string }>(
      'SELECT position FROM event_positions WHERE position > $1 ORDER BY position',
      [position],
    );
    return rows.map((row) => Number(row.position));
  }

  /** The room-state instance that owns the room's partition. */
  async owner(roomId: string): Promise<string | undefined> {
    const { rows } = await this.client.query<{ owner: string | null }>(
      `SELECT p.owner FROM partitions p JOIN rooms r USING (partition) WHERE p.kind = 'room-state' AND r.room_id = $1`,
      [roomId],
    );
    return rows[0]?.owner ?? undefined;
  }

  /** Lets no commit take positions until `work` is done. */
  async holdingPositions(work: () => Promise<void>): Promise<void> {
    const { key, sequence } = STREAMS.events.lane;
    await this.client.query('BEGIN');
    try {
      await this.client.query('SELECT take_positions($1, $2, 1)', [key, sequence]);
      await work();
    } finally {
      await this.client.query('ROLLBACK');
    }
  }

  /** Whether a commit of the owner waits for positions. */
  async waitsForPositions(owner: string): Promise<boolean> {
    const { rows } = await this.client.query(
      `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND NOT l.granted AND a.application_name = $1 AND a.datname = current_database()`,
      [owner],
    );
    return rows.length > 0;
  }

  /** Ends every other connection to this database. @returns how many there were */
  async endConnections(): Promise<number> {
    const { rows } = await this.client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'test'`,
    );
    return rows.length;
  }
}

/**
 * Where a room's history is not one straight line: events that do not follow the one before them.
 * @returns nothing for a room without forks, gaps and duplicates
 */
export function kinks(events: readonly LoggedEvent[]): string[] {
  return events.flatMap((event, index) => {
    const before = events[index - 1];
    const follows =
      before === undefined
        ? event.prevEvents.length === 0
        : event.depth === before.depth + 1 &&
          event.prevEvents.length === 1 &&
          event.prevEvents[0] === before.eventId;
    return follows ? [] : [`${event.eventId} at position ${event.position}, depth ${event.depth}`];
  });
}
