import type { DeviceId, JsonObject, ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Introduction } from '../federation/destination-transactor.js';
import type { Database } from '../open-database.js';
import { DeviceKeyReader, signedKeyName, withSignatures } from './device-key-reader.js';

/** Of the log: those that are looked at for one room, the newest. */
const MAX_LATE = 10_000;

/** How far the federation sender has read. */
export interface DeviceListCursor {
  /** In `device_changes`. */
  readonly position: number;
  readonly eventsPosition: number;
}

/** A change of a local user's device, or of the cross-signing keys where the device id is ''. */
export interface DeviceChange {
  readonly userId: UserId;
  readonly streamId: number;
  readonly deviceId: DeviceId | '';
  /** The change of a device before. */
  readonly prevId: number | null;
  readonly position: number;
}

/** What a destination has not acknowledged. */
export interface OwedDeviceLists {
  readonly introductions: readonly Introduction[];
  /** In the order of their positions, of everybody: whether they share a room is for the reader to find out. Whole commits. */
  readonly changes: readonly DeviceChange[];
  /** The newest change that is meant for it. */
  readonly newest: number;
  readonly isTruncated: boolean;
}

/** A device as other servers see it. */
export interface LocalDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly displayName: string | null;
  /** With the signatures that its user made; undefined for a device without identity keys. */
  readonly keys: JsonObject | undefined;
}

/** Reads what other servers are told of the devices of local users. */
export class OutgoingDeviceReader {
  readonly #keys: DeviceKeyReader;

  constructor(private readonly database: Database) {
    this.#keys = new DeviceKeyReader(database);
  }

  /** For each of the partitions; those that were never read for are at the beginning. */
  async cursors(partitions: readonly number[]): Promise<Map<number, DeviceListCursor>> {
    const rows = await this.database.db
      .selectFrom('device_list_cursors')
      .select(['partition', 'position', 'events_position as eventsPosition'])
      .where('partition', '=', anyOf(partitions))
      .execute();
    const known = new Map(rows.map(({ partition, ...cursor }) => [partition, cursor]));
    const beginning = { position: 0, eventsPosition: 0 };
    return new Map(partitions.map((partition) => [partition, known.get(partition) ?? beginning]));
  }

  /** Who changed after a position, in order: at least `limit`, and of whole commits. */
  async changed(after: number, limit: number): Promise<{ userId: UserId; position: number }[]> {
    return this.database.db
      .selectFrom('device_changes')
      .select(['user_id as userId', 'position'])
      .distinct()
      .where('position', '>', after)
      .orderBy('position')
      .modifyEnd(sql`FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`)
      .execute();
  }

  /** Whether anybody's list changed since then. @param since ms since 1970 */
  async hasChangedSince(since: number): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('device_changes')
      .select('user_id')
      .where('changed_ts', '>=', since)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /**
   * Those who are in a room and whose lists changed since then, of the newest 10,000 changes: the room is not read for it.
   * @param since ms since 1970
   */
  async changedIn(roomNid: number, since: number): Promise<UserId[]> {
    const { rows } = await this.changedInQuery(roomNid, since).execute(this.database.db);
    return rows.map(({ userId }) => userId);
  }

  /** @internal For the test that looks at its plan. */
  changedInQuery(roomNid: number, since: number) {
    return sql<{ userId: UserId }>`
      SELECT DISTINCT k.state_key AS "userId"
      FROM (SELECT user_id FROM device_changes WHERE changed_ts >= ${since} ORDER BY changed_ts DESC LIMIT ${sql.lit(MAX_LATE)}) AS c
      JOIN state_keys k ON k.state_key = c.user_id
      JOIN memberships m ON m.user_nid = k.state_key_nid AND m.room_nid = ${roomNid} AND m.membership = 'join'`;
  }

  /** Rooms that a user joined before a position of the events stream, those entered last first. */
  async roomsBefore(userId: UserId, position: number, limit: number): Promise<number[]> {
    const rows = await this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .select('m.room_nid as roomNid')
      .where('k.state_key', '=', userId)
      .where('m.membership', '=', 'join')
      .where('m.position', '<', position)
      .orderBy('m.position', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ roomNid }) => roomNid);
  }

  /** At most `limit` introductions and about as many changes. Undefined when nothing is owed. */
  async owedTo(destination: ServerName, limit: number): Promise<OwedDeviceLists | undefined> {
    const row = await this.database.db
      .selectFrom('destinations')
      .select(['device_lists_newest as newest', 'device_lists_sent as sent'])
      .where('destination', '=', destination)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const introductions = await this.database.db
      .selectFrom('device_list_introductions')
      .select(['user_id as userId', 'position'])
      .where('destination', '=', destination)
      .orderBy('user_id')
      .limit(limit)
      .execute();
    const changes = row.newest > row.sent ? await this.changesBetween(row.sent, row.newest, limit) : [];
    if (introductions.length + changes.length === 0) return undefined;
    const isTruncated =
      introductions.length >= limit || (changes.at(-1)?.position ?? row.newest) < row.newest;
    return { introductions, changes, newest: row.newest, isTruncated };
  }

  /** The newest change of a device of each of the users. */
  async newestOf(userIds: readonly UserId[]): Promise<DeviceChange[]> {
    return (await this.introducing(userIds)).filter(({ deviceId }) => deviceId !== '');
  }

  /** Of each of the users the newest change of a device, and the newest of the cross-signing keys. */
  async introducing(userIds: readonly UserId[]): Promise<DeviceChange[]> {
    const isOfKeys = sql<boolean>`device_id = ''`;
    return this.changes()
      .distinctOn(['user_id', isOfKeys])
      .where('user_id', '=', anyOf(userIds))
      .orderBy('user_id')
      .orderBy(isOfKeys)
      .orderBy('stream_id', 'desc')
      .execute();
  }

  /** Every device of the users. */
  async devicesOf(userIds: readonly UserId[]): Promise<LocalDevice[]> {
    const rows = await this.database.db
      .selectFrom('devices as d')
      .leftJoin('device_keys as k', (join) =>
        join.onRef('k.user_id', '=', 'd.user_id').onRef('k.device_id', '=', 'd.device_id'),
      )
      .select(['d.user_id as userId', 'd.device_id as deviceId', 'd.display_name as displayName', 'k.keys'])
      .where('d.user_id', '=', anyOf(userIds))
      .orderBy('d.device_id')
      .execute();
    const signatures = await this.#keys.signaturesOf(userIds, undefined);
    return rows.map(({ keys, ...device }) => {
      const added = signatures.get(signedKeyName(device.userId, device.deviceId));
      return {
        ...device,
        keys: keys === null ? undefined : withSignatures(JSON.parse(keys) as JsonObject, added),
      };
    });
  }

  private async changesBetween(after: number, upTo: number, limit: number): Promise<DeviceChange[]> {
    return this.changes()
      .where('position', '>', after)
      .where('position', '<=', upTo)
      .orderBy('position')
      .modifyEnd(sql`FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`)
      .execute()
      .then((rows) => rows.toSorted((a, b) => a.position - b.position || a.streamId - b.streamId));
  }

  private changes() {
    return this.database.db
      .selectFrom('device_changes')
      .select([
        'user_id as userId',
        'stream_id as streamId',
        'device_id as deviceId',
        'prev_id as prevId',
        'position',
      ]);
  }
}
