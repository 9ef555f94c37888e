import type { DeviceId, JsonValue, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import { holdDevices } from '../account/hold-devices.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type DeviceOfUser, KeyCountTransactor } from './key-count-transactor.js';

/** A one-time or fallback key; `key` is its canonical JSON: the same key is the same text. */
export interface NamedKey {
  readonly algorithm: string;
  readonly keyId: string;
  readonly key: string;
}

export interface KeyUpload extends DeviceOfUser {
  readonly oneTimeKeys: readonly NamedKey[];
  readonly fallbackKeys: readonly NamedKey[];
}

/** What became of an upload. */
export type UploadOutcome =
  | { readonly outcome: 'stored'; readonly counts: TakenPositions | undefined }
  /** A key with this id and other content is there. */
  | { readonly outcome: 'conflict'; readonly keyName: string }
  | { readonly outcome: 'too-many' };

export interface WantedKey extends DeviceOfUser {
  readonly algorithm: string;
}

export interface ClaimedKey extends DeviceOfUser {
  /** `<algorithm>:<key id>` */
  readonly keyName: string;
  readonly key: JsonValue;
}

/** Unclaimed keys of a device. Clients keep 50 to 100. */
const MAX_UNCLAIMED = 1000;
/** Claimed keys of a device that are remembered, the newest: an upload that is sent again, however late, does not bring them back. */
const MAX_CLAIMED = 10_000;

/** Writes one-time and fallback keys of local devices. */
export class OneTimeKeyTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /**
   * Stores keys. Those that are there already, or were claimed before, are passed over; a fallback key replaces the one of its algorithm.
   * Meaningful while the device is locked, see `DeviceKeyTransactor.lockDevice`; roll back when they were not stored.
   * @see https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys
   */
  async upload({ userId, deviceId, oneTimeKeys, fallbackKeys }: KeyUpload): Promise<UploadOutcome> {
    const device = { userId, deviceId };
    const states = await this.statesOf(device, oneTimeKeys);
    const conflict = oneTimeKeys[states.indexOf('other')];
    if (conflict) return { outcome: 'conflict', keyName: `${conflict.algorithm}:${conflict.keyId}` };
    const added = oneTimeKeys.filter((_, index) => states[index] === 'new');
    await this.insertOneTimeKeys(device, added);
    const replaced = await this.replaceFallbackKeys(device, fallbackKeys);
    if (added.length > 0 && (await this.countUnclaimed(device)) > MAX_UNCLAIMED)
      return { outcome: 'too-many' };
    const isChanged = added.length > 0 || replaced;
    const counts = isChanged ? await this.markChanged([device]) : undefined;
    return { outcome: 'stored', counts };
  }

  /**
   * Gives out one key for each of the wanted ones, if there is any: the oldest one-time key, which nobody is given again, else the fallback
   * key. At most one algorithm per device.
   * @returns what is given, and the position that the devices' counts have after the commit
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim
   */
  async claim(
    wanted: readonly WantedKey[],
  ): Promise<{ keys: ClaimedKey[]; counts: TakenPositions | undefined }> {
    const held = await holdDevices(this.transaction, wanted);
    const oneTime = await this.claimOneTimeKeys(held);
    const served = new Set(oneTime.map(deviceKeyOf));
    const fallback = await this.fallbackKeys(held.filter((key) => !served.has(deviceKeyOf(key))));
    const unused = fallback.filter(({ used }) => !used);
    await this.markUsed(unused);
    return {
      keys: [...oneTime, ...fallback].map(({ userId, deviceId, algorithm, keyId, key }) => ({
        userId,
        deviceId,
        keyName: `${algorithm}:${keyId}`,
        key: JSON.parse(key) as JsonValue,
      })),
      counts: await this.markChanged([...oneTime, ...unused]),
    };
  }

  /** What is known of each key, in one look: a claim takes a key out of one table into the other. */
  private async statesOf({ userId, deviceId }: DeviceOfUser, keys: readonly NamedKey[]): Promise<KeyState[]> {
    if (keys.length === 0) return [];
    const { rows } = await sql<{ state: KeyState }>`
      SELECT CASE
        WHEN EXISTS (SELECT FROM claimed_one_time_keys c
          WHERE c.user_id = ${userId} AND c.device_id = ${deviceId} AND c.hash = ${hashOf('k')}) THEN 'known'
        WHEN o.key IS NULL THEN 'new'
        WHEN o.key = k.key THEN 'known'
        ELSE 'other' END AS state
      FROM ${namedRows(keys)} LEFT JOIN one_time_keys o
        ON o.user_id = ${userId} AND o.device_id = ${deviceId} AND o.algorithm = k.algorithm AND o.key_id = k.key_id
      ORDER BY k.n`.execute(this.transaction);
    return rows.map(({ state }) => state);
  }

  private async insertOneTimeKeys(
    { userId, deviceId }: DeviceOfUser,
    keys: readonly NamedKey[],
  ): Promise<void> {
    if (keys.length === 0) return;
    await sql`
      INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, key)
      SELECT ${userId}, ${deviceId}, k.algorithm, k.key_id, k.key FROM ${namedRows(keys)} ORDER BY k.n`.execute(
      this.transaction,
    );
    // What can be claimed before the next upload is bounded too.
    await sql`
      DELETE FROM claimed_one_time_keys WHERE user_id = ${userId} AND device_id = ${deviceId} AND claim_order <= (
        SELECT claim_order FROM claimed_one_time_keys WHERE user_id = ${userId} AND device_id = ${deviceId}
        ORDER BY claim_order DESC OFFSET ${MAX_CLAIMED} LIMIT 1)`.execute(this.transaction);
  }

  /** Whether one of them is new. */
  private async replaceFallbackKeys(
    { userId, deviceId }: DeviceOfUser,
    keys: readonly NamedKey[],
  ): Promise<boolean> {
    if (keys.length === 0) return false;
    const { rows } = await sql`
      INSERT INTO fallback_keys AS f (user_id, device_id, algorithm, key_id, key)
      SELECT ${userId}, ${deviceId}, k.algorithm, k.key_id, k.key FROM ${namedRows(keys)}
      ON CONFLICT (user_id, device_id, algorithm)
        DO UPDATE SET key_id = excluded.key_id, key = excluded.key, used = false
        WHERE f.key_id <> excluded.key_id OR f.key <> excluded.key
      RETURNING f.algorithm`.execute(this.transaction);
    return rows.length > 0;
  }

  private async countUnclaimed({ userId, deviceId }: DeviceOfUser): Promise<number> {
    const { count } = await this.transaction
      .selectFrom('one_time_keys')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Whoever claims at the same time takes another key, without waiting. */
  private async claimOneTimeKeys(wanted: readonly WantedKey[]) {
    const { rows } = await sql<StoredKey>`
      WITH picked AS (
        SELECT k.user_id, k.device_id, k.algorithm, k.key_id
        FROM ${wantedRows(wanted)}
        CROSS JOIN LATERAL (
          SELECT o.user_id, o.device_id, o.algorithm, o.key_id FROM one_time_keys o
          WHERE o.user_id = w.user_id AND o.device_id = w.device_id AND o.algorithm = w.algorithm
          ORDER BY o.upload_order LIMIT 1 FOR UPDATE SKIP LOCKED) AS k),
      given AS (
        DELETE FROM one_time_keys o USING picked p
        WHERE o.user_id = p.user_id AND o.device_id = p.device_id AND o.algorithm = p.algorithm AND o.key_id = p.key_id
        RETURNING o.*),
      remembered AS (
        INSERT INTO claimed_one_time_keys (user_id, device_id, hash)
        SELECT g.user_id, g.device_id, ${hashOf('g')} FROM given g)
      SELECT user_id AS "userId", device_id AS "deviceId", algorithm, key_id AS "keyId", key FROM given`.execute(
      this.transaction,
    );
    return rows;
  }

  private async fallbackKeys(wanted: readonly WantedKey[]) {
    if (wanted.length === 0) return [];
    const { rows } = await sql<StoredKey & { used: boolean }>`
      SELECT f.user_id AS "userId", f.device_id AS "deviceId", f.algorithm, f.key_id AS "keyId", f.key, f.used
      FROM ${wantedRows(wanted)}
      JOIN fallback_keys f ON f.user_id = w.user_id AND f.device_id = w.device_id AND f.algorithm = w.algorithm`.execute(
      this.transaction,
    );
    return rows;
  }

  /** In one order for everybody, so that no two transactions wait for each other; what replaced a key meanwhile is another one. */
  private async markUsed(keys: readonly StoredKey[]): Promise<void> {
    if (keys.length === 0) return;
    await sql`
      WITH held AS (
        SELECT f.user_id, f.device_id, f.algorithm
        FROM unnest(${keys.map(({ keyId }) => keyId)}::text[], ${keys.map(({ key }) => key)}::text[], ${wantedColumns(keys)})
          AS w (key_id, key, user_id, device_id, algorithm)
        JOIN fallback_keys f USING (user_id, device_id, algorithm, key_id, key)
        ORDER BY f.user_id, f.device_id FOR NO KEY UPDATE OF f)
      UPDATE fallback_keys f SET used = true FROM held h
      WHERE f.user_id = h.user_id AND f.device_id = h.device_id AND f.algorithm = h.algorithm`.execute(
      this.transaction,
    );
  }

  private markChanged(devices: readonly DeviceOfUser[]): Promise<TakenPositions | undefined> {
    return new KeyCountTransactor(this.transaction, this.closing).markChanged(devices);
  }
}

/** `other` where another key has the name. */
type KeyState = 'new' | 'known' | 'other';

interface StoredKey extends NamedKey {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

function deviceKeyOf({ userId, deviceId }: DeviceOfUser): string {
  return JSON.stringify([userId, deviceId]);
}

/** What is remembered of a claimed key. @param row with the columns `algorithm`, `key_id` and `key` */
function hashOf(row: string) {
  const column = (name: string) => sql.ref(`${row}.${name}`);
  return sql`sha256(convert_to(${column('algorithm')} || ':' || ${column('key_id')} || ' ' || ${column('key')}, 'UTF8'))`;
}

function namedRows(keys: readonly NamedKey[]) {
  return sql`unnest(${keys.map(({ algorithm }) => algorithm)}::text[], ${keys.map(({ keyId }) => keyId)}::text[],
    ${keys.map(({ key }) => key)}::text[]) WITH ORDINALITY AS k (algorithm, key_id, key, n)`;
}

function wantedRows(wanted: readonly WantedKey[]) {
  return sql`unnest(${wantedColumns(wanted)}) AS w (user_id, device_id, algorithm)`;
}

function wantedColumns(wanted: readonly WantedKey[]) {
  return sql`${wanted.map(({ userId }) => userId)}::text[], ${wanted.map(({ deviceId }) => deviceId)}::text[],
    ${wanted.map(({ algorithm }) => algorithm)}::text[]`;
}
