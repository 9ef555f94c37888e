import {
  type EventId,
  type JsonObject,
  type JsonValue,
  type Pdu,
  relationOf,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { CompiledQuery } from 'kysely';
import type { Database } from '../open-database.js';
import { placedRelations, redactedReplies } from '../relation/relation-statements.js';
import { EVENT_STATUS, type EventStatus, type StateOverride } from '../schema/event.table.js';
import { Interner } from './interner.js';
import type { Statement } from './statement.js';
import { transactionKey } from './transaction-key.js';
import type { Membership } from './room-reader.js';

/** An event for a spec; without `stateKey` it is a message. */
export interface EventRow {
  readonly type: string;
  readonly sender: UserId;
  readonly stateKey?: string;
  readonly content?: JsonObject;
  /** Redacts this event of the room. */
  readonly redacts?: PlacedRow;
  readonly transaction?: { readonly deviceId: string; readonly scope: string; readonly id: string };
  /** Came in on a fork: the state before it is that at `basePosition` but for the overrides; it changes no state. */
  readonly fork?: {
    readonly basePosition: number;
    readonly overrides?: StateOverride[];
    readonly parent?: PlacedRow;
  };
  /** Any other status than accepted: stored without a position. */
  readonly status?: EventStatus;
  /** State that a join by way of another server brought: an outlier, current from position 0 on. */
  readonly seeded?: boolean;
  /** History from before everything, or of this event; the state before it is its `fork`. */
  readonly backfilled?: boolean | PlacedRow;
  readonly prevEvents?: readonly PlacedRow[];
  readonly authEvents?: readonly PlacedRow[];
  /** Takes the place of what the PDU would have. */
  readonly pdu?: Partial<Pdu>;
  /** The exact text of the PDU, whatever the above says. */
  readonly text?: string;
}

export interface PlacedRow {
  readonly eventNid: number;
  readonly eventId: EventId;
  readonly position: number;
}

/** Writes a room's rows for specs of readers: no lease, no signatures, no rules. */
export class RoomRows {
  private readonly interner: Interner;

  private constructor(
    private readonly database: Database,
    readonly roomId: RoomId,
    readonly roomNid: number,
  ) {
    this.interner = new Interner(database);
  }

  static async create(
    database: Database,
    room: { roomId: RoomId; version?: string; inDirectory?: boolean },
  ): Promise<RoomRows> {
    const { room_nid } = await database.db
      .insertInto('rooms')
      .values({
        room_id: room.roomId,
        version: room.version ?? '12',
        partition: 0,
        in_directory: room.inDirectory ?? false,
        created_ts: 0,
      })
      .returning('room_nid')
      .executeTakeFirstOrThrow();
    return new RoomRows(database, room.roomId, room_nid);
  }

  /** The same room within a transaction: who follows the stream sees an event with all that belongs to it, or not at all. */
  within(transaction: Database['db']): RoomRows {
    return new RoomRows({ ...this.database, db: transaction }, this.roomId, this.roomNid);
  }

  /** Member event of the user itself, or by `sender`. */
  async member(
    user: UserId,
    membership: Membership,
    sender: UserId = user,
    content: JsonObject = {},
  ): Promise<PlacedRow> {
    return this.event({ type: 'm.room.member', sender, stateKey: user, content: { ...content, membership } });
  }

  /** A state event with the empty state key. */
  async state(type: string, sender: UserId, content: JsonObject): Promise<PlacedRow> {
    return this.event({ type, sender, stateKey: '', content });
  }

  async message(sender: UserId, body: string): Promise<PlacedRow> {
    return this.event({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });
  }

  async event(row: EventRow): Promise<PlacedRow> {
    const { db } = this.database;
    const number = await this.next('events_position');
    const position = await this.positionOf(row, number);
    const placed = { eventNid: 1_000_000 + number, eventId: `$event${number}` as EventId, position };
    const typeNid = await this.interner.typeNid(row.type);
    const stateKeyNid = row.stateKey === undefined ? null : await this.interner.stateKeyNid(row.stateKey);
    const senderNid = await this.interner.stateKeyNid(row.sender);
    const status = row.status ?? (row.seeded === true ? EVENT_STATUS.outlier : EVENT_STATUS.accepted);
    await db
      .insertInto('events')
      .values({
        event_nid: placed.eventNid,
        event_id: placed.eventId,
        room_nid: this.roomNid,
        type_nid: typeNid,
        state_key_nid: stateKeyNid,
        sender_nid: senderNid,
        depth: number,
        origin_server_ts: number,
        status,
        problem: null,
        json: row.text ?? JSON.stringify(this.pdu(row, number)),
      })
      .execute();
    if (row.fork) await this.insertFork(row.fork, placed);
    if (status !== EVENT_STATUS.accepted && row.seeded !== true) return placed;
    if (row.seeded !== true) {
      await db
        .insertInto('event_positions')
        .values({
          position,
          event_nid: placed.eventNid,
          room_nid: this.roomNid,
          before_position: typeof row.backfilled === 'object' ? row.backfilled.position : null,
        })
        .execute();
    }
    await this.insertExtras(row, placed);
    await this.insertRelation(row, { eventNid: placed.eventNid, senderNid, typeNid });
    if (stateKeyNid !== null && !row.fork) await this.changeState(row, placed, typeNid, stateKeyNid);
    return placed;
  }

  /** What another server said about the room with an invite or a knock. */
  async strippedState({ eventNid }: PlacedRow, events: readonly JsonValue[]): Promise<void> {
    const row = { event_nid: eventNid, events: JSON.stringify(events) };
    await this.database.db.insertInto('stripped_states').values(row).execute();
  }

  /** There is history that only other servers have, before everything or before this event. */
  async missHistory(eventId = '$missing' as EventId, followedBy?: PlacedRow): Promise<void> {
    const row = {
      room_nid: this.roomNid,
      event_id: eventId,
      depth: 1,
      followed_by_nid: followedBy?.eventNid ?? null,
    };
    await this.database.db.insertInto('backward_extremities').values(row).execute();
  }

  private async insertExtras(row: EventRow, { eventNid }: PlacedRow): Promise<void> {
    const { db } = this.database;
    if (row.transaction) {
      const { deviceId, id } = row.transaction;
      await db
        .insertInto('event_transactions')
        .values({
          event_nid: eventNid,
          key: transactionKey({ userId: row.sender, ...row.transaction }),
          device_id: deviceId,
          transaction_id: id,
        })
        .execute();
    }
    if (row.redacts) {
      await db
        .insertInto('redactions')
        .values({ redacted_event_nid: row.redacts.eventNid, redaction_event_nid: eventNid })
        .execute();
      await this.run(redactedReplies([row.redacts.eventNid]));
    }
  }

  private async insertRelation(
    { content = {} }: EventRow,
    event: { eventNid: number; senderNid: number; typeNid: number },
  ): Promise<void> {
    const relation = relationOf(content);
    if (relation === undefined) return;
    const relTypeNid = await this.interner.relTypeNid(relation.relType);
    const related = { ...event, roomNid: this.roomNid, relation: { ...relation, relTypeNid } };
    await this.run(placedRelations([related]));
  }

  private async run(statements: readonly Statement[]): Promise<void> {
    for (const { text, values } of statements) {
      await this.database.db.executeQuery(CompiledQuery.raw(text, values));
    }
  }

  private async insertFork(fork: NonNullable<EventRow['fork']>, { eventNid }: PlacedRow): Promise<void> {
    await this.database.db
      .insertInto('event_state')
      .values({
        event_nid: eventNid,
        base_position: fork.basePosition,
        parent_event_nid: fork.parent?.eventNid ?? null,
        overrides: JSON.stringify(fork.overrides ?? []),
      })
      .execute();
  }

  private async changeState(
    row: EventRow,
    placed: PlacedRow,
    typeNid: number,
    stateKeyNid: number,
  ): Promise<void> {
    const { db } = this.database;
    const { position, eventNid } = placed;
    const key = { room_nid: this.roomNid, type_nid: typeNid, state_key_nid: stateKeyNid };
    await db
      .updateTable('room_state')
      .set({ to_position: position })
      .where('room_nid', '=', this.roomNid)
      .where('type_nid', '=', typeNid)
      .where('state_key_nid', '=', stateKeyNid)
      .where('to_position', 'is', null)
      .execute();
    await db
      .insertInto('room_state')
      .values({ ...key, event_nid: eventNid, from_position: position, to_position: null })
      .execute();
    if (row.type !== 'm.room.member') return;
    const change = { membership: row.content?.['membership'] as Membership, event_nid: eventNid, position };
    await db
      .insertInto('memberships')
      .values({ user_nid: stateKeyNid, room_nid: this.roomNid, ...change })
      .onConflict((conflict) => conflict.columns(['user_nid', 'room_nid']).doUpdateSet(change))
      .execute();
  }

  private pdu(row: EventRow, number: number): Partial<Pdu> {
    return {
      type: row.type,
      room_id: this.roomId,
      sender: row.sender,
      ...(row.stateKey !== undefined && { state_key: row.stateKey }),
      content: { ...row.content, ...(row.redacts && { redacts: row.redacts.eventId }) },
      origin_server_ts: number,
      depth: number,
      prev_events: row.prevEvents?.map(({ eventId }) => eventId) ?? [],
      auth_events: row.authEvents?.map(({ eventId }) => eventId) ?? [],
      hashes: { sha256: '' },
      signatures: {},
      ...row.pdu,
    };
  }

  private async positionOf(row: EventRow, number: number): Promise<number> {
    if (row.backfilled) return this.next('backfill_position');
    return row.seeded === true ? 0 : number;
  }

  private async next(sequence: 'events_position' | 'backfill_position'): Promise<number> {
    const { rows } = await this.database.pool.query<{ next: number }>(
      `SELECT nextval('${sequence}') AS next`,
    );
    return rows[0]?.next ?? 0;
  }
}
