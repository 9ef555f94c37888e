import type { DeviceId, JsonObject, ServerName, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { RemoteDevice, RemoteDeviceList } from './remote-device-list-reader.js';

/** Of one user: what comes beyond is not kept. */
export const MAX_REMOTE_DEVICES = 1_000;

/** A list that is locked until the transaction ends. */
export interface LockedList {
  readonly userId: UserId;
  readonly streamId: number | null;
  /** The newest update that was told. */
  readonly heardStreamId: number | null;
  readonly isStale: boolean;
  readonly wasFetched: boolean;
}

/** A question that was begun: its answer counts as complete if nothing was heard of the list meanwhile. */
export interface BegunFetch {
  readonly userId: UserId;
  readonly version: number;
  /** Of the events stream, before the question. */
  readonly position: number;
}

/** A list that another server has told. */
export interface FetchedList extends RemoteDeviceList {
  readonly streamId: number | null;
}

/** A user whose list is to be asked for anew. */
export interface DueResync {
  readonly userId: UserId;
  readonly tries: number;
}

/** Writes what is known of the devices of users of other servers. */
export class RemoteDeviceListTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** In one order for everybody, so that no two transactions wait for each other. */
  async lock(userIds: readonly UserId[]): Promise<Map<UserId, LockedList>> {
    const rows = await this.transaction
      .selectFrom('remote_device_lists')
      .select([
        'user_id as userId',
        'stream_id as streamId',
        'heard_stream_id as heardStreamId',
        'is_stale as isStale',
        'fetched_position',
      ])
      .where('user_id', '=', anyOf(userIds))
      .orderBy('user_id')
      .forUpdate()
      .execute();
    return new Map(
      rows.map(({ fetched_position, ...row }) => [
        row.userId,
        { ...row, wasFetched: fetched_position !== null },
      ]),
    );
  }

  /** Remembers that lists are being asked for. */
  async beginFetch(userIds: readonly UserId[]): Promise<BegunFetch[]> {
    const sorted = [...new Set(userIds)].toSorted((a, b) => (a < b ? -1 : 1));
    await sql`
      INSERT INTO remote_device_lists (user_id) SELECT unnest(${sorted}::text[]) ON CONFLICT DO NOTHING`.execute(
      this.transaction,
    );
    const { rows } = await sql<BegunFetch>`
      SELECT user_id AS "userId", version, (SELECT greatest(max(position), 0) FROM event_positions) AS position
      FROM remote_device_lists WHERE user_id = ${anyOf(sorted)}`.execute(this.transaction);
    return rows;
  }

  /**
   * Keeps the answer to a question. When something was heard of the list since the question, it stays stale and is asked for again.
   * @returns whether it is another list than the one that was known; what was never known has not changed
   */
  async store({ userId, version, position }: BegunFetch, list: FetchedList): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('remote_device_lists')
      .select(['version', 'fetched_position', 'master_key', 'self_signing_key'])
      .where('user_id', '=', userId)
      .forUpdate()
      .executeTakeFirst();
    // The room was left meanwhile.
    if (row === undefined) return false;
    const before = { ...row, devices: await this.storedDevices(userId) };
    const master_key = toText(list.masterKey);
    const self_signing_key = toText(list.selfSigningKey);
    const isStale = row.version !== version;
    await this.transaction
      .updateTable('remote_device_lists')
      .set({
        stream_id: list.streamId,
        is_stale: isStale,
        fetched_position: position,
        master_key,
        self_signing_key,
        resync_at: isStale ? Date.now() : null,
        tries: 0,
      })
      .where('user_id', '=', userId)
      .execute();
    const devices = list.devices.slice(0, MAX_REMOTE_DEVICES);
    await this.transaction.deleteFrom('remote_devices').where('user_id', '=', userId).execute();
    await this.putDevices(userId, devices);
    const after = { master_key, self_signing_key, devices: textsOf(devices) };
    return row.fetched_position !== null && !isSame(before, after);
  }

  /** Makes the next update of a list that is up to date a part of it. @param device undefined for one that was deleted */
  async update(userId: UserId, streamId: number, deviceId: DeviceId, device: RemoteDevice | undefined) {
    await this.transaction
      .deleteFrom('remote_devices')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .execute();
    if (device && (await this.countDevices(userId)) < MAX_REMOTE_DEVICES)
      await this.putDevices(userId, [device]);
    await this.heardOf(userId, { stream_id: streamId, heard_stream_id: streamId });
  }

  /** Remembers the newest update that was told, of a list that has it. */
  async hear(userId: UserId, streamId: number): Promise<void> {
    await this.heardOf(userId, { heard_stream_id: streamId });
  }

  /** Replaces those of the cross-signing keys that are given. */
  async updateKeys(userId: UserId, keys: Pick<RemoteDeviceList, 'masterKey' | 'selfSigningKey'>) {
    await this.heardOf(userId, {
      ...(keys.masterKey && { master_key: JSON.stringify(keys.masterKey) }),
      ...(keys.selfSigningKey && { self_signing_key: JSON.stringify(keys.selfSigningKey) }),
    });
  }

  /**
   * The list is not what it was any more. Where it is to be asked for anew already, that stays as it is: it is being asked for, and will be
   * once more because something was heard of it, or its server did not answer and has time.
   * @param streamId of the update that says so
   * @param resyncAt ms since 1970; null to wait until somebody wants to know it
   */
  async markStale(userId: UserId, streamId: number, resyncAt: number | null): Promise<void> {
    await this.heardOf(userId, {
      is_stale: true,
      heard_stream_id: streamId,
      resync_at: sql`coalesce(resync_at, ${resyncAt}::bigint)`,
    });
  }

  /** Takes stale lists that are due, for so long; those that wait longest first. @param except servers whose lists are left */
  async claimDue(
    now: number,
    claimMs: number,
    limit: number,
    except: readonly ServerName[] = [],
  ): Promise<DueResync[]> {
    const { rows } = await sql<DueResync>`
      UPDATE remote_device_lists SET resync_at = ${now + claimMs}, tries = tries + 1 WHERE user_id IN (
        SELECT user_id FROM remote_device_lists
        WHERE resync_at <= ${now} AND ${serverOf('user_id')} <> ALL (${except}::text[])
        ORDER BY resync_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING user_id AS "userId", tries`.execute(this.transaction);
    return rows;
  }

  /** The list could not be had: when to ask for it again, if at all. */
  async postpone(userIds: readonly UserId[], resyncAt: number | null): Promise<void> {
    await this.transaction
      .updateTable('remote_device_lists')
      .set({ resync_at: resyncAt })
      .where('user_id', '=', anyOf(userIds))
      .where('resync_at', 'is not', null)
      .execute();
  }

  /** Nobody shares a room with these any more. */
  async forget(userIds: readonly UserId[]): Promise<void> {
    await this.transaction.deleteFrom('remote_device_lists').where('user_id', '=', anyOf(userIds)).execute();
  }

  private async heardOf(userId: UserId, set: Record<string, unknown>): Promise<void> {
    await this.transaction
      .updateTable('remote_device_lists')
      .set((eb) => ({ ...set, version: eb('version', '+', 1) }))
      .where('user_id', '=', userId)
      .execute();
  }

  private async storedDevices(userId: UserId): Promise<string[]> {
    const rows = await this.transaction
      .selectFrom('remote_devices')
      .select(['device_id', 'display_name', 'keys'])
      .where('user_id', '=', userId)
      .execute();
    return rows.map(({ device_id, display_name, keys }) => JSON.stringify([device_id, display_name, keys]));
  }

  private async countDevices(userId: UserId): Promise<number> {
    const { count } = await this.transaction
      .selectFrom('remote_devices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return count;
  }

  private async putDevices(userId: UserId, devices: readonly RemoteDevice[]): Promise<void> {
    await sql`
      INSERT INTO remote_devices (user_id, device_id, display_name, keys)
      SELECT ${userId}, d.* FROM unnest(${devices.map(({ deviceId }) => deviceId)}::text[],
        ${devices.map(({ displayName }) => displayName)}::text[], ${devices.map(({ keys }) => toText(keys))}::text[]) AS d
      ON CONFLICT DO NOTHING`.execute(this.transaction);
  }
}

interface Content {
  readonly master_key: string | null;
  readonly self_signing_key: string | null;
  readonly devices: readonly string[];
}

function isSame(one: Content, other: Content): boolean {
  return (
    one.master_key === other.master_key &&
    one.self_signing_key === other.self_signing_key &&
    one.devices.length === other.devices.length &&
    new Set(one.devices).isSupersetOf(new Set(other.devices))
  );
}

function textsOf(devices: readonly RemoteDevice[]): string[] {
  return devices.map(({ deviceId, displayName, keys }) =>
    JSON.stringify([deviceId, displayName, toText(keys)]),
  );
}

function toText(key: JsonObject | undefined): string | null {
  return key === undefined ? null : JSON.stringify(key);
}
