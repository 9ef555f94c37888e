import type { EventCommit } from './room-commit.js';
import type { Statement } from './statement.js';

/** What events of other servers write beside the events: the state that a join brings, history, and what is missing of it. */
export function remoteStatements(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  for (const event of events) {
    if (event.seed) statements.push(...seedStatements(event, event.seed));
    if (event.isForwarded === true) {
      statements.push({
        name: 'insert-forwarded-event',
        text: 'INSERT INTO forwarded_events (event_nid) VALUES ($1)',
        values: [event.eventNid],
      });
    }
    if (event.strippedState !== undefined) {
      statements.push({
        name: 'insert-stripped-state',
        text: 'INSERT INTO stripped_states (event_nid, events) VALUES ($1, $2)',
        values: [event.eventNid, event.strippedState],
      });
    }
  }
  return [...statements, ...historyStatements(events), ...lateRedactions(events)];
}

/** From position 0 on: before the join, nothing of the room has one, and nobody of this server looks at it. */
function seedStatements({ roomNid }: EventCommit, seed: NonNullable<EventCommit['seed']>): Statement[] {
  return [
    {
      name: 'insert-seed-state',
      text: `INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position)
        SELECT $1, *, 0 FROM unnest($2::int[], $3::bigint[], $4::bigint[])`,
      values: [
        roomNid,
        arrayText(seed.stateChanges, (change) => change.typeNid),
        arrayText(seed.stateChanges, (change) => change.stateKeyNid),
        arrayText(seed.stateChanges, (change) => change.eventNid ?? 'NULL'),
      ],
    },
    {
      name: 'insert-seed-memberships',
      text: `INSERT INTO memberships (room_nid, user_nid, membership, event_nid, is_remote, position)
        SELECT $1, *, 0 FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::boolean[]) ON CONFLICT (user_nid, room_nid) DO NOTHING`,
      values: [
        roomNid,
        arrayText(seed.membershipChanges, (change) => change.userNid),
        arrayText(seed.membershipChanges, (change) => change.membership),
        arrayText(seed.membershipChanges, (change) => change.eventNid),
        arrayText(seed.membershipChanges, (change) => String(change.isRemote)),
      ],
    },
  ];
}

/** Numbers and known words as PostgreSQL writes an array: the driver would look at each for what to escape, for longer than a turn may take. */
function arrayText<Row>(rows: readonly Row[], pick: (row: Row) => number | string): string {
  return `{${rows.map(pick).join(',')}}`;
}

/** Backfilled events, the newest first, and the backward extremities before and after. */
function historyStatements(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  const backfilled = events.filter(({ beforePosition }) => beforePosition !== undefined);
  if (backfilled.length > 0) {
    statements.push({
      name: 'insert-backfilled-positions',
      text: `INSERT INTO event_positions (position, event_nid, room_nid, before_position)
        SELECT nextval('backfill_position'), nid, room, before
        FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS e(nid, room, before, n)
          ORDER BY n OFFSET 0) AS ordered`,
      values: [
        backfilled.map(({ eventNid }) => eventNid),
        backfilled.map(({ roomNid }) => roomNid),
        backfilled.map(({ beforePosition }) => beforePosition),
      ],
    });
  }
  const missing = events.flatMap((event) => (event.missing ?? []).map((id) => ({ ...event, id })));
  if (missing.length > 0) {
    statements.push({
      name: 'insert-backward-extremities',
      text: `INSERT INTO backward_extremities (room_nid, event_id, depth, followed_by_nid)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING`,
      values: [
        missing.map(({ roomNid }) => roomNid),
        missing.map(({ id }) => id),
        missing.map(({ depth }) => depth),
        missing.map(({ eventNid, followedByNid = eventNid }) => followedByNid),
      ],
    });
  }
  const came = events.filter(({ mayBeMissed }) => mayBeMissed === true);
  if (came.length > 0) {
    statements.push({
      name: 'delete-backward-extremities',
      text: `DELETE FROM backward_extremities b USING unnest($1::bigint[], $2::text[]) AS came(room, id)
        WHERE b.room_nid = came.room AND b.event_id = came.id`,
      values: [came.map(({ roomNid }) => roomNid), came.map(({ eventId }) => eventId)],
    });
  }
  return statements;
}

/** Redactions that come before what they redact, and what comes after its redaction. */
function lateRedactions(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  const pending = events.flatMap((event) =>
    event.redactsLater ? [{ ...event, ...event.redactsLater }] : [],
  );
  if (pending.length > 0) {
    statements.push({
      name: 'insert-pending-redactions',
      text: `INSERT INTO pending_redactions (redaction_event_nid, room_nid, target_event_id, only_of_server)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])`,
      values: [
        pending.map(({ eventNid }) => eventNid),
        pending.map(({ roomNid }) => roomNid),
        pending.map(({ eventId }) => eventId),
        pending.map(({ onlyOfServer }) => onlyOfServer),
      ],
    });
  }
  const came = events.filter(({ mayBeMissed }) => mayBeMissed === true);
  if (came.length > 0) {
    statements.push({
      name: 'apply-pending-redactions',
      text: `WITH applied AS (
          DELETE FROM pending_redactions p USING events e, state_keys sender
          WHERE e.event_nid = any($1::bigint[]) AND sender.state_key_nid = e.sender_nid
            AND p.target_event_id = e.event_id AND p.room_nid = e.room_nid
            AND (p.only_of_server IS NULL
              OR p.only_of_server = substr(sender.state_key, strpos(sender.state_key, ':') + 1))
          RETURNING e.event_nid, p.redaction_event_nid)
        INSERT INTO redactions (redacted_event_nid, redaction_event_nid)
        SELECT DISTINCT ON (event_nid) event_nid, redaction_event_nid FROM applied
        ON CONFLICT (redacted_event_nid) DO NOTHING`,
      values: [came.map(({ eventNid }) => eventNid)],
    });
  }
  return statements;
}
