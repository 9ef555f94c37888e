import { lastPosition, takeLane } from '../lanes.js';
import {
  isRelated,
  laneRelations,
  placedRelations,
  redactedReplies,
} from '../relation/relation-statements.js';
import { remoteStatements } from './remote-statements.js';
import type { EventCommit, RoomCommit } from './room-commit.js';
import type { Statement } from './statement.js';
import { transactionKey } from './transaction-key.js';

const column = <Row, Value>(rows: readonly Row[], pick: (row: Row) => Value): Value[] => rows.map(pick);

/** The heavy part of a commit: all that needs no position, written before the lane is taken. */
export function heavyStatements(commit: RoomCommit): Statement[] {
  const statements = [insertEvents(commit.events), upsertHeads(commit.heads)];
  const { newRooms, commandResults } = commit;
  if (newRooms.length > 0) statements.push(insertRooms(newRooms));
  const aliases = newRooms.flatMap(({ roomNid, alias }) => (alias ? [{ roomNid, ...alias }] : []));
  if (aliases.length > 0) {
    statements.push({
      name: 'insert-room-aliases',
      text: `INSERT INTO room_aliases (alias, room_nid, creator, created_ts)
        SELECT *, (extract(epoch FROM now()) * 1000)::bigint FROM unnest($1::text[], $2::bigint[], $3::text[])`,
      values: [
        column(aliases, (a) => a.alias),
        column(aliases, (a) => a.roomNid),
        column(aliases, (a) => a.creator),
      ],
    });
  }
  const withTransaction = commit.events.flatMap(({ eventNid, transaction }) =>
    transaction ? [{ ...transaction, eventNid }] : [],
  );
  if (withTransaction.length > 0) {
    statements.push({
      name: 'insert-event-transactions',
      text: `INSERT INTO event_transactions (event_nid, key, device_id, transaction_id)
        SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[])`,
      values: [
        column(withTransaction, (t) => t.eventNid),
        column(withTransaction, transactionKey),
        column(withTransaction, (t) => t.deviceId),
        column(withTransaction, (t) => t.id),
      ],
    });
  }
  if (commandResults.length > 0) {
    statements.push({
      name: 'insert-command-results',
      text: `INSERT INTO command_results (idempotency_key, result) SELECT * FROM unnest($1::text[], $2::jsonb[])`,
      values: [column(commandResults, (r) => r.key), column(commandResults, (r) => JSON.stringify(r.result))],
    });
  }
  statements.push(...rareStatements(commit.events), ...remoteStatements(commit.events));
  // After the positions of backfilled events and all redactions.
  const backfilled = commit.events.filter(({ beforePosition }) => beforePosition !== undefined);
  statements.push(
    ...placedRelations(backfilled.filter(isRelated)),
    ...redactedReplies(commit.events.flatMap(({ redactsNid }) => redactsNid ?? [])),
  );
  return statements;
}

/** An outlier that has come into its room keeps its number and its text. */
function insertEvents(events: readonly EventCommit[]): Statement {
  return {
    name: 'insert-events',
    text: `INSERT INTO events (event_nid, event_id, room_nid, type_nid, state_key_nid, sender_nid, depth, origin_server_ts,
        status, problem, json)
      SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::smallint[], $10::text[], $11::text[])
      ON CONFLICT (event_nid) DO UPDATE SET status = excluded.status, problem = excluded.problem`,
    values: [
      column(events, (e) => e.eventNid),
      column(events, (e) => e.eventId),
      column(events, (e) => e.roomNid),
      column(events, (e) => e.typeNid),
      column(events, (e) => e.stateKeyNid),
      column(events, (e) => e.senderNid),
      column(events, (e) => e.depth),
      column(events, (e) => e.originServerTs),
      column(events, (e) => e.status),
      column(events, (e) => e.problem),
      column(events, (e) => e.json),
    ],
  };
}

function upsertHeads(heads: RoomCommit['heads']): Statement {
  return {
    name: 'upsert-room-heads',
    text: `INSERT INTO room_heads (room_nid, extremities, depth)
      SELECT room_nid, string_to_array(extremities, ',')::bigint[], depth
      FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS head(room_nid, extremities, depth)
      ON CONFLICT (room_nid) DO UPDATE SET extremities = excluded.extremities, depth = excluded.depth`,
    values: [
      column(heads, (h) => h.roomNid),
      column(heads, (h) => h.extremities.join(',')),
      column(heads, (h) => h.depth),
    ],
  };
}

function insertRooms(rooms: RoomCommit['newRooms']): Statement {
  return {
    name: 'insert-rooms',
    text: `INSERT INTO rooms (room_nid, room_id, version, partition, in_directory, created_ts)
      SELECT *, (extract(epoch FROM now()) * 1000)::bigint
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::boolean[])`,
    values: [
      column(rooms, (r) => r.roomNid),
      column(rooms, (r) => r.roomId),
      column(rooms, (r) => r.version),
      column(rooms, (r) => r.partition),
      column(rooms, (r) => r.inDirectory),
    ],
  };
}

/** Forks, redactions and state resets. */
function rareStatements(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  for (const event of events) {
    if (event.state) {
      statements.push({
        name: 'insert-event-state',
        text: 'INSERT INTO event_state (event_nid, base_position, parent_event_nid, overrides) VALUES ($1, $2, $3, $4)',
        values: [
          event.eventNid,
          event.state.basePosition,
          event.state.parentEventNid,
          JSON.stringify(event.state.overrides),
        ],
      });
    }
    if (event.redactsNid !== undefined) {
      statements.push({
        name: 'insert-redaction',
        text: `INSERT INTO redactions (redacted_event_nid, redaction_event_nid) VALUES ($1, $2)
          ON CONFLICT (redacted_event_nid) DO NOTHING`,
        values: [event.redactsNid, event.eventNid],
      });
    }
    if (event.reset) {
      statements.push({
        name: 'insert-state-reset',
        text: 'INSERT INTO state_resets (room_nid, cause_event_nid, changes) VALUES ($1, $2, $3)',
        values: [event.roomNid, event.eventNid, JSON.stringify(event.reset)],
      });
    }
  }
  return statements;
}

/**
 * The thin part of a commit as one message without parameters: takes the lane and the positions, writes what needs
 * them, commits. It consists of integers and known words, but for the ids of parents of relations, which are escaped.
 */
export function laneStatements(commit: RoomCommit): string {
  const timeline = commit.events.filter((event) => event.inTimeline);
  const count = timeline.length;
  if (count === 0) return 'COMMIT';
  const last = lastPosition('events');
  const position = `${last} - ${count - 1} + `;
  const statements = [takeLane('events', count)];
  statements.push(
    `INSERT INTO event_positions (position, event_nid, room_nid) SELECT ${position} i, nid, room FROM (VALUES ${timeline
      .map((event, i) => `(${i},${event.eventNid},${event.roomNid})`)
      .join(',')}) AS v(i, nid, room)`,
  );
  const changes = stateRows(timeline);
  if (changes.length > 0) {
    const first = changes.filter((change) => change.first);
    statements.push(
      `UPDATE room_state SET to_position = ${position} v.i FROM (VALUES ${first
        .map((c) => `(${c.index},${c.roomNid},${c.typeNid},${c.stateKeyNid})`)
        .join(',')}) AS v(i, room, type, key)
        WHERE room_nid = v.room AND type_nid = v.type AND state_key_nid = v.key AND to_position IS NULL`,
      `INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position, to_position)
        SELECT room, type, key, nid::bigint, ${position} i, ${position} until::bigint FROM (VALUES ${changes
          .map(
            (c) =>
              `(${c.roomNid},${c.typeNid},${c.stateKeyNid},${c.eventNid ?? 'NULL'},${c.index},${c.until ?? 'NULL'})`,
          )
          .join(',')}) AS v(room, type, key, nid, i, until)`,
    );
  }
  const members = lastMemberships(timeline);
  if (members.length > 0) {
    statements.push(
      `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position, is_remote)
        SELECT usr, room, membership, nid, ${position} i, remote FROM (VALUES ${members
          .map((m) => `(${m.userNid},${m.roomNid},'${m.membership}',${m.eventNid},${m.index},${m.isRemote})`)
          .join(',')}) AS v(usr, room, membership, nid, i, remote)
        ON CONFLICT (user_nid, room_nid) DO UPDATE SET membership = excluded.membership, event_nid = excluded.event_nid,
          position = excluded.position, forgotten = false, is_remote = excluded.is_remote`,
    );
  }
  statements.push(...laneRelations(timeline, position), `SELECT ${last} AS last_position`, 'COMMIT');
  return statements.join(';\n');
}

interface StateRow {
  roomNid: number;
  typeNid: number;
  stateKeyNid: number;
  eventNid: number | null;
  /** Offset of the event within the commit's timeline. */
  index: number;
  /** Offset at which a later change of the same commit supersedes this one. */
  until: number | undefined;
  /** The first change of its key in this commit: it closes the row that is current in the table. */
  first: boolean;
}

function stateRows(timeline: readonly EventCommit[]): StateRow[] {
  const rows: StateRow[] = [];
  const latest = new Map<string, StateRow>();
  timeline.forEach((event, index) => {
    for (const change of event.stateChanges) {
      const key = `${event.roomNid},${change.typeNid},${change.stateKeyNid}`;
      const before = latest.get(key);
      if (before) before.until = index;
      const row: StateRow = { ...change, roomNid: event.roomNid, index, until: undefined, first: !before };
      rows.push(row);
      latest.set(key, row);
    }
  });
  return rows;
}

function lastMemberships(timeline: readonly EventCommit[]) {
  const last = new Map<
    string,
    EventCommit['membershipChanges'][number] & { roomNid: number; index: number }
  >();
  timeline.forEach((event, index) => {
    for (const change of event.membershipChanges) {
      last.set(`${event.roomNid},${change.userNid}`, { ...change, roomNid: event.roomNid, index });
    }
  });
  return [...last.values()];
}
