import type { EventCommit } from './room-commit.js';
import type { Statement } from './statement.js';

/** What events of other servers write beside the events: the state that a join brings, history, and what is missing of it. */
export function remoteStatements(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  for (const event of events) {
    if (event.seed) statements.push(...seedStatements(event, event.seed));
    if (event.strippedState !== undefined) {
      statements.push({
        name: 'insert-stripped-state',
        text: 'INSERT INTO stripped_states (event_nid, events) VALUES ($1, $2)',
        values: [event.eventNid, event.strippedState],
      });
    }
  }
  return [...statements, ...historyStatements(events)];
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
        seed.stateChanges.map((change) => change.typeNid),
        seed.stateChanges.map((change) => change.stateKeyNid),
        seed.stateChanges.map((change) => change.eventNid),
      ],
    },
    {
      name: 'insert-seed-memberships',
      text: `INSERT INTO memberships (room_nid, user_nid, membership, event_nid, position)
        SELECT $1, *, 0 FROM unnest($2::bigint[], $3::text[], $4::bigint[]) ON CONFLICT (user_nid, room_nid) DO NOTHING`,
      values: [
        roomNid,
        seed.membershipChanges.map((change) => change.userNid),
        seed.membershipChanges.map((change) => change.membership),
        seed.membershipChanges.map((change) => change.eventNid),
      ],
    },
  ];
}

/** Backfilled events, the newest first, and the backward extremities before and after. */
function historyStatements(events: readonly EventCommit[]): Statement[] {
  const statements: Statement[] = [];
  const backfilled = events.filter(({ isBackfilled }) => isBackfilled === true);
  if (backfilled.length > 0) {
    statements.push({
      name: 'insert-backfilled-positions',
      text: `INSERT INTO event_positions (position, event_nid, room_nid)
        SELECT nextval('backfill_position'), nid, room
        FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS e(nid, room, n) ORDER BY n OFFSET 0) AS ordered`,
      values: [backfilled.map((event) => event.eventNid), backfilled.map((event) => event.roomNid)],
    });
  }
  const missing = events.flatMap((event) => (event.missing ?? []).map((id) => ({ ...event, id })));
  if (missing.length > 0) {
    statements.push({
      name: 'insert-backward-extremities',
      text: `INSERT INTO backward_extremities (room_nid, event_id) SELECT * FROM unnest($1::bigint[], $2::text[])
        ON CONFLICT DO NOTHING`,
      values: [missing.map(({ roomNid }) => roomNid), missing.map(({ id }) => id)],
    });
  }
  const came = events.filter(({ mayBeMissed, inTimeline, isBackfilled }) => {
    return mayBeMissed === true && (inTimeline || isBackfilled === true);
  });
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
