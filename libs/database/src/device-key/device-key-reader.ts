import type { DeviceId, JsonObject, UserId } from '@atoll/matrix';
import { isJsonObject } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { CrossSigningUsage } from '../schema/device-key.table.js';

/** Identity keys of a device, with the signatures that the reader may see. */
export interface DeviceKeys {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly displayName: string | null;
  readonly keys: JsonObject;
}

export interface UserKey {
  readonly userId: UserId;
  readonly usage: CrossSigningUsage;
  readonly publicKey: string;
  readonly key: JsonObject;
}

/** Reads identity and cross-signing keys of local users. */
export class DeviceKeyReader {
  constructor(private readonly database: Database) {}

  /**
   * The keys of all devices of the users. Signatures are told that the owner made or, where there is one, the viewer.
   * @param viewer of this server; undefined where another server asks
   * @see https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
   */
  async devicesOf(userIds: readonly UserId[], viewer: UserId | undefined): Promise<DeviceKeys[]> {
    const rows = await this.database.db
      .selectFrom('device_keys as k')
      .innerJoin('devices as d', (join) =>
        join.onRef('d.user_id', '=', 'k.user_id').onRef('d.device_id', '=', 'k.device_id'),
      )
      .select(['k.user_id as userId', 'k.device_id as deviceId', 'd.display_name as displayName', 'k.keys'])
      .where('k.user_id', '=', anyOf(userIds))
      .orderBy('k.user_id')
      .orderBy('k.device_id')
      .execute();
    if (rows.length === 0) return [];
    const signatures = await this.signaturesOf(userIds, viewer);
    return rows.map(({ keys, ...device }) => ({
      ...device,
      keys: withSignatures(
        JSON.parse(keys) as JsonObject,
        signatures.get(signedKeyName(device.userId, device.deviceId)),
      ),
    }));
  }

  /** The cross-signing keys of the users: the user-signing ones of the viewer alone, and signatures as with {@link devicesOf}. */
  async crossSigningKeysOf(userIds: readonly UserId[], viewer: UserId | undefined): Promise<UserKey[]> {
    const rows = await this.database.db
      .selectFrom('cross_signing_keys')
      .select(['user_id as userId', 'usage', 'public_key as publicKey', 'key'])
      .where('user_id', '=', anyOf(userIds))
      .execute();
    const visible = rows.filter(({ usage, userId }) => usage !== 'user_signing' || userId === viewer);
    if (visible.length === 0) return [];
    const signatures = await this.signaturesOf(userIds, viewer);
    return visible.map(({ key, ...rest }) => ({
      ...rest,
      key: withSignatures(
        JSON.parse(key) as JsonObject,
        signatures.get(signedKeyName(rest.userId, rest.publicKey)),
      ),
    }));
  }

  /**
   * The signatures that the viewer's user made of keys of others, or of its own, after they were uploaded; for keys of other servers that
   * are not stored here.
   */
  async signaturesOf(
    userIds: readonly UserId[],
    viewer: UserId | undefined,
  ): Promise<Map<string, AddedSignature[]>> {
    const rows = await this.database.db
      .selectFrom('key_signatures')
      .select([
        'target_user_id as userId',
        'target_key_id as keyId',
        'signer_user_id as signer',
        'signer_key_id as signerKeyId',
        'signature',
      ])
      .where('target_user_id', '=', anyOf(userIds))
      .where((where) =>
        where.or([
          where('signer_user_id', '=', where.ref('target_user_id')),
          ...(viewer === undefined ? [] : [where('signer_user_id', '=', viewer)]),
        ]),
      )
      .execute();
    return Map.groupBy(rows, ({ userId, keyId }) => signedKeyName(userId, keyId));
  }
}

export interface AddedSignature {
  readonly signer: UserId;
  readonly signerKeyId: string;
  readonly signature: string;
}

/** The name of a key in the answers of {@link DeviceKeyReader.signaturesOf}. */
export function signedKeyName(userId: UserId, keyId: string): string {
  return JSON.stringify([userId, keyId]);
}

/** A key with more signatures. */
export function withSignatures(key: JsonObject, added: readonly AddedSignature[] = []): JsonObject {
  if (added.length === 0) return key;
  const before = isJsonObject(key['signatures']) ? key['signatures'] : {};
  const bySigner = new Map(Object.entries(before));
  for (const { signer, signerKeyId, signature } of added) {
    const earlier = bySigner.get(signer);
    bySigner.set(signer, { ...(isJsonObject(earlier) && earlier), [signerKeyId]: signature });
  }
  return { ...key, signatures: Object.fromEntries(bySigner) };
}
