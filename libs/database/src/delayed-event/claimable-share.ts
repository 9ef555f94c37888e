import type { UserId } from '@atoll/matrix';
import { type ExpressionBuilder, sql } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { NOW_MS } from './delayed-event.js';

/** What a process has room for. Events whose sending may have to wait for other servers have room of their own. */
export interface ClaimableShare {
  readonly asksOthers: boolean;
  readonly limit: number;
  /** So many of one user, together with what is `held`: how many of each user this process has already. */
  readonly perUser: number;
  readonly held: ReadonlyMap<UserId, number>;
}

/** State for which this server may have to ask others: joins and invites go by them, aliases lie there. */
const ASKING_TYPES = ['m.room.member', 'm.room.canonical_alias'];
/** More of what is due is not looked at in one claim. */
const LOOKED_AT = 1_000;

type DelayedRow = DatabaseSchema & { d: DatabaseSchema['delayed_events'] };

/** The ids of the first that are due, of no user more than may be. */
export function shareOf(
  query: ExpressionBuilder<DelayedRow, 'd'>,
  { asksOthers, limit, perUser, held }: ClaimableShare,
) {
  const heldJson = JSON.stringify(Object.fromEntries(held));
  const heldOfUser = sql<number>`coalesce((${heldJson}::jsonb ->> d.user_id)::int, 0)`;
  const due = query
    .selectFrom('delayed_events as d')
    .select(['d.delay_id', 'd.user_id', 'd.next_try_ts', heldOfUser.as('held')])
    .where('d.finalised_ts', 'is', null)
    .where('d.next_try_ts', '<=', NOW_MS)
    .where(asking('d'), '=', asksOthers)
    .where(heldOfUser, '<', perUser)
    .where((eb) => eb.not(eb.exists(earlierOnItsWay)))
    .orderBy('d.next_try_ts')
    .orderBy('d.delay_id')
    .limit(LOOKED_AT);
  const numbered = query
    .selectFrom(due.as('due'))
    .select(['due.delay_id', 'due.next_try_ts'])
    .select(
      sql<number>`due.held + row_number() OVER (PARTITION BY due.user_id ORDER BY due.next_try_ts, due.delay_id)`.as(
        'number',
      ),
    );
  return query
    .selectFrom(numbered.as('numbered'))
    .select('numbered.delay_id')
    .where('numbered.number', '<=', perUser)
    .orderBy('numbered.next_try_ts')
    .orderBy('numbered.delay_id')
    .limit(limit);
}

function asking(table: 'd' | 'before') {
  const [type, key] = [sql.ref(`${table}.type`), sql.ref(`${table}.state_key`)];
  return sql<boolean>`(${key} IS NOT NULL AND ${type} IN (${sql.join(ASKING_TYPES)}))`;
}

/** In one order for all, so that no two wait for each other. */
function earlierOnItsWay(query: ExpressionBuilder<DelayedRow, 'd'>) {
  return query
    .selectFrom('delayed_events as before')
    .select('before.delay_id')
    .whereRef('before.user_id', '=', 'd.user_id')
    .whereRef('before.room_id', '=', 'd.room_id')
    .where('before.finalised_ts', 'is', null)
    .where((eb) => eb.or([eb('before.claimed', '=', true), eb(asking('before'), '<>', asking('d'))]))
    .where((eb) =>
      eb(eb.refTuple('before.due_ts', 'before.delay_id'), '<', eb.refTuple('d.due_ts', 'd.delay_id')),
    );
}
