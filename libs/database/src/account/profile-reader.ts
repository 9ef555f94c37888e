import type { JsonObject, JsonValue, UserId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** The part of a profile that goes into member events; keys that are not set are absent. */
export interface MemberProfile extends JsonObject {
  displayname?: string;
  avatar_url?: string;
}

/** Reads the profiles of local users. */
export class ProfileReader {
  constructor(private readonly database: Database) {}

  /** Every field; undefined when there is no such active account. */
  async fieldsOf(userId: UserId): Promise<JsonObject | undefined> {
    const rows = await this.database.db
      .selectFrom('users')
      .leftJoin('profile_fields as field', 'field.user_id', 'users.user_id')
      .select(['field.name', 'field.value'])
      .where('users.user_id', '=', userId)
      .where('users.is_deactivated', '=', false)
      .orderBy('field.name')
      .execute();
    if (rows.length === 0) return undefined;
    return Object.fromEntries(
      rows.flatMap(({ name, value }) => (name && value ? [[name, parse(value)]] : [])),
    );
  }

  /** One field; undefined when it is not set or there is no such active account. */
  async field(userId: UserId, name: string): Promise<JsonValue | undefined> {
    const row = await this.database.db
      .selectFrom('profile_fields as field')
      .innerJoin('users', 'users.user_id', 'field.user_id')
      .select('field.value')
      .where('field.user_id', '=', userId)
      .where('field.name', '=', name)
      .where('users.is_deactivated', '=', false)
      .executeTakeFirst();
    return row && parse(row.value);
  }

  /** Display names and avatars for member events; every user asked for has an entry, an empty one when nothing is set. */
  async profileOf(userIds: readonly UserId[]): Promise<Map<UserId, MemberProfile>> {
    const profiles = new Map<UserId, MemberProfile>(userIds.map((userId) => [userId, {}]));
    const rows = await this.database.db
      .selectFrom('profile_fields')
      .select(['user_id', 'name', 'value'])
      .where('user_id', '=', anyOf(userIds))
      .where('name', 'in', ['displayname', 'avatar_url'])
      .execute();
    for (const row of rows) Object.assign(profiles.get(row.user_id) ?? {}, { [row.name]: parse(row.value) });
    return profiles;
  }
}

function parse(value: string): JsonValue {
  return JSON.parse(value) as JsonValue;
}
