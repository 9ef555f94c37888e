import type { EventId, RoomId, ServerName } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** An event that its room's owner has to take. */
export interface StagedPdu {
  readonly stagedId: number;
  readonly eventId: EventId;
  /** The server that sent it. */
  readonly origin: ServerName;
  /** The PDU's exact text; its signatures were checked. */
  readonly json: string;
  readonly receivedTs: number;
  readonly tries: number;
}

/** Rooms that one look finds; those that it leaves are found when these are done. */
const MAX_ROOMS = 1_000;

/** Events of other servers that wait for the owners of their rooms. */
export class StagedPduReader {
  constructor(private readonly database: Database) {}

  /** Rooms of the partitions that have events to take at a time (ms since 1970). */
  async rooms(partitions: readonly number[], now: number): Promise<RoomId[]> {
    const rows = await this.database.db
      .selectFrom('staged_pdus')
      .select('room_id')
      .where('partition', '=', anyOf(partitions))
      .where('retry_at', '<=', now)
      .distinct()
      .limit(MAX_ROOMS)
      .execute();
    return rows.map((row) => row.room_id);
  }

  /**
   * The next events of a room behind one of them, in the order of their arrival. None while this server is still joining the room: they
   * come on top of the state that the join brings.
   */
  async next(
    room: { readonly roomId: RoomId; readonly partition: number },
    after: number,
    now: number,
    limit: number,
  ): Promise<StagedPdu[]> {
    return this.database.db
      .selectFrom('staged_pdus')
      .select([
        'staged_id as stagedId',
        'event_id as eventId',
        'origin',
        'json',
        'received_ts as receivedTs',
        'tries',
      ])
      .where('partition', '=', room.partition)
      .where('room_id', '=', room.roomId)
      .where('staged_id', '>', after)
      .where('retry_at', '<=', now)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('rooms')
              .select('room_nid')
              .where('room_id', '=', room.roomId)
              .where('joining_until', '>', now),
          ),
        ),
      )
      .orderBy('staged_id')
      .limit(limit)
      .execute();
  }

  /** Those of the events that wait as well. */
  async staged(roomId: RoomId, eventIds: readonly EventId[]): Promise<Set<EventId>> {
    const rows = await this.database.db
      .selectFrom('staged_pdus')
      .select('event_id')
      .where('room_id', '=', roomId)
      .where('event_id', '=', anyOf(eventIds))
      .execute();
    return new Set(rows.map((row) => row.event_id));
  }

  /** The same with their texts. */
  async texts(roomId: RoomId, eventIds: readonly EventId[]): Promise<Map<EventId, string>> {
    const rows = await this.database.db
      .selectFrom('staged_pdus')
      .select(['event_id', 'json'])
      .where('room_id', '=', roomId)
      .where('event_id', '=', anyOf(eventIds))
      .execute();
    return new Map(rows.map((row) => [row.event_id, row.json]));
  }

  /** How many events wait in the partitions, and when the oldest of them came (ms since 1970). */
  async backlog(partitions: readonly number[]): Promise<{ count: number; oldestTs: number | null }> {
    return this.database.db
      .selectFrom('staged_pdus')
      .select(({ fn }) => [
        fn.countAll<number>().as('count'),
        fn.min<number | null>('received_ts').as('oldestTs'),
      ])
      .where('partition', '=', anyOf(partitions))
      .executeTakeFirstOrThrow();
  }
}
