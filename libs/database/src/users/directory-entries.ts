import { isUserId, type JsonValue, type Pdu, type UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { directoryEntryOf, type FoundProfile } from './directory-entry.js';

type Trx = Transaction<DatabaseSchema>;

interface UserRow {
  readonly userNid: number;
  readonly userId: string;
  readonly isLocal: boolean;
  /** JSON, of local users. */
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  /** The member event that others are known by, unless it was redacted. */
  readonly json: string | null;
  /** Whether there is such an event. */
  readonly isMember: boolean;
}

/**
 * Writes what is known of the users. Local ones have their global profile, never that of a room. Of others the newest member event tells,
 * of a room that is open if they are in one, so that what they call themselves in private goes no further than it must.
 */
export async function writeDirectoryEntries(trx: Trx, userNids: readonly number[]): Promise<void> {
  if (userNids.length === 0) return;
  const users = await usersOf(trx, userNids);
  const rows = users.flatMap(({ userNid, userId, ...user }) =>
    isUserId(userId) && (user.isLocal || user.isMember)
      ? [{ user_nid: userNid, ...directoryEntryOf(userId, profileOf(user)) }]
      : [],
  );
  if (rows.length === 0) return;
  await trx
    .insertInto('user_directory')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('user_nid').doUpdateSet((eb) => ({
        display_name: eb.ref('excluded.display_name'),
        folded_name: eb.ref('excluded.folded_name'),
        avatar_url: eb.ref('excluded.avatar_url'),
        document: eb.ref('excluded.document'),
      })),
    )
    .execute();
}

/** Writes what is known of a local user whose profile changes in the same transaction. */
export async function refreshDirectoryEntry(trx: Trx, userId: UserId): Promise<void> {
  const row = await trx
    .selectFrom('state_keys')
    .select('state_key_nid as userNid')
    .where('state_key', '=', userId)
    .executeTakeFirst();
  if (row !== undefined) await writeDirectoryEntries(trx, [row.userNid]);
}

async function usersOf(trx: Trx, userNids: readonly number[]): Promise<UserRow[]> {
  const { rows } = await sql<UserRow>`
    SELECT k.state_key_nid AS "userNid", k.state_key AS "userId", u.user_id IS NOT NULL AS "isLocal",
      name.value AS "displayName", avatar.value AS "avatarUrl", member.event_nid IS NOT NULL AS "isMember", member.json
    FROM state_keys k
    LEFT JOIN users u ON u.user_id = k.state_key
    LEFT JOIN profile_fields name ON name.user_id = u.user_id AND name.name = 'displayname'
    LEFT JOIN profile_fields avatar ON avatar.user_id = u.user_id AND avatar.name = 'avatar_url'
    LEFT JOIN LATERAL (
      SELECT m.event_nid, CASE WHEN x.redacted_event_nid IS NULL THEN e.json END AS json
      FROM memberships m JOIN events e ON e.event_nid = m.event_nid
      LEFT JOIN directory_rooms r ON r.room_nid = m.room_nid
      LEFT JOIN redactions x ON x.redacted_event_nid = m.event_nid
      WHERE m.user_nid = k.state_key_nid AND m.membership = 'join'
      ORDER BY coalesce(r.is_open, false) DESC, m.position DESC LIMIT 1) AS member ON u.user_id IS NULL
    WHERE k.state_key_nid = ${anyOf(userNids)}`.execute(trx);
  return rows;
}

function profileOf({
  isLocal,
  displayName,
  avatarUrl,
  json,
}: Omit<UserRow, 'userNid' | 'userId'>): FoundProfile {
  if (isLocal) return { displayname: parse(displayName), avatar_url: parse(avatarUrl) };
  return json === null ? {} : (JSON.parse(json) as Pdu).content;
}

function parse(value: string | null): JsonValue | undefined {
  return value === null ? undefined : (JSON.parse(value) as JsonValue);
}
