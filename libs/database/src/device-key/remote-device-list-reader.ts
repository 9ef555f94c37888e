import type { DeviceId, JsonObject, ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';

/** A device of a user of another server. */
export interface RemoteDevice {
  readonly deviceId: DeviceId;
  readonly displayName: string | null;
  /** Undefined for a device without identity keys. */
  readonly keys: JsonObject | undefined;
}

/** The devices and keys of a user of another server. */
export interface RemoteDeviceList {
  readonly devices: readonly RemoteDevice[];
  readonly masterKey: JsonObject | undefined;
  readonly selfSigningKey: JsonObject | undefined;
}

/** How this server knows a user of another. */
export interface Sharing {
  /**
   * A room has been shared all the time since the user's list was asked for, so that every change of it was told. Whoever changes a profile
   * looks as if the room had been left and joined: then a list is asked for once more than needed.
   */
  readonly sinceFetch: boolean;
}

/** Reads what is known of the devices of users of other servers. */
export class RemoteDeviceListReader {
  constructor(
    private readonly database: Database,
    private readonly serverName: ServerName,
  ) {}

  /** Those of the users who share a room with a user of this server now. */
  async sharing(userIds: readonly UserId[]): Promise<Map<UserId, Sharing>> {
    if (userIds.length === 0) return new Map();
    const { rows } = await this.sharingQuery(userIds).execute(this.database.db);
    return new Map(rows.map(({ userId, sinceFetch }) => [userId, { sinceFetch: sinceFetch === true }]));
  }

  /**
   * Of each room the first local member is looked for, and not among the many of other servers.
   * @internal For the test that looks at its plan.
   */
  sharingQuery(userIds: readonly UserId[]) {
    return sql<{ userId: UserId; sinceFetch: boolean | null }>`
      WITH theirs AS (
        SELECT k.state_key AS user_id, m.room_nid, m.position FROM state_keys k
        JOIN memberships m ON m.user_nid = k.state_key_nid AND m.membership = 'join'
        WHERE k.state_key = ${anyOf<string>(userIds)}),
      ours AS (
        SELECT r.room_nid, first.position AS since FROM (SELECT DISTINCT room_nid FROM theirs) AS r
        CROSS JOIN LATERAL (
          SELECT m.position FROM memberships m
          JOIN state_keys k ON k.state_key_nid = m.user_nid AND ${serverOf('k.state_key')} = ${this.serverName}
          WHERE m.room_nid = r.room_nid AND m.membership = 'join' AND NOT m.is_remote
          ORDER BY m.position LIMIT 1) AS first)
      SELECT t.user_id AS "userId", bool_or(greatest(t.position, o.since) <= l.fetched_position) AS "sinceFetch"
      FROM theirs t JOIN ours o ON o.room_nid = t.room_nid
      LEFT JOIN remote_device_lists l ON l.user_id = t.user_id
      GROUP BY t.user_id`;
  }

  /** The lists of those of the users of whom it is complete, and every change of it was heard. */
  async fresh(userIds: readonly UserId[]): Promise<Map<UserId, RemoteDeviceList>> {
    const rows = await this.database.db
      .selectFrom('remote_device_lists')
      .select(['user_id as userId', 'master_key as masterKey', 'self_signing_key as selfSigningKey'])
      .where('user_id', '=', anyOf(userIds))
      .where('is_stale', '=', false)
      .execute();
    const sharing = await this.sharing(rows.map(({ userId }) => userId));
    const known = rows.filter(({ userId }) => sharing.get(userId)?.sinceFetch);
    if (known.length === 0) return new Map();
    const devices = Map.groupBy(
      await this.devicesOf(known.map(({ userId }) => userId)),
      ({ userId }) => userId,
    );
    return new Map(
      known.map(({ userId, masterKey, selfSigningKey }) => [
        userId,
        {
          devices: devices.get(userId) ?? [],
          masterKey: parsed(masterKey),
          selfSigningKey: parsed(selfSigningKey),
        },
      ]),
    );
  }

  /** Users of whom something is kept, in the order of their ids. @param after '' for the first ones */
  async page(after: UserId | '', limit: number): Promise<UserId[]> {
    const rows = await this.database.db
      .selectFrom('remote_device_lists')
      .select('user_id as userId')
      .where('user_id', '>', after as UserId)
      .orderBy('user_id')
      .limit(limit)
      .execute();
    return rows.map(({ userId }) => userId);
  }

  private async devicesOf(userIds: readonly UserId[]) {
    const rows = await this.database.db
      .selectFrom('remote_devices')
      .select(['user_id as userId', 'device_id as deviceId', 'display_name as displayName', 'keys'])
      .where('user_id', '=', anyOf(userIds))
      .execute();
    return rows.map(({ keys, ...device }) => ({ ...device, keys: parsed(keys) }));
  }
}

function parsed(json: string | null): JsonObject | undefined {
  return json === null ? undefined : (JSON.parse(json) as JsonObject);
}
