import type { DeviceId, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { CrossSigningUsage } from '../schema/device-key.table.js';
import type { DeviceOfUser } from './key-count-transactor.js';

/** A cross-signing key; `key` is its JSON. */
export interface CrossSigningKey {
  readonly usage: CrossSigningUsage;
  readonly publicKey: string;
  readonly key: string;
}

/** A signature that a local user made of a key. */
export interface KeySignature {
  readonly targetUserId: UserId;
  /** A device id, or the public key of a cross-signing key. */
  readonly targetKeyId: string;
  readonly signerUserId: UserId;
  /** With the algorithm. */
  readonly signerKeyId: string;
  readonly signature: string;
}

/** Writes identity keys, cross-signing keys and signatures of local users. That lists changed is marked by the caller. */
export class DeviceKeyTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Holds back other uploads for the device, and its deletion, until the transaction ends. False when there is no such device. */
  async lockDevice({ userId, deviceId }: DeviceOfUser): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Replaces the identity keys of a device; signatures of the earlier ones go with those. @returns whether they are others than before */
  async putDeviceKeys({ userId, deviceId }: DeviceOfUser, keys: string): Promise<boolean> {
    const known = await this.transaction
      .selectFrom('device_keys')
      .select('keys')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    if (known?.keys === keys) return false;
    await this.transaction
      .insertInto('device_keys')
      .values({ user_id: userId, device_id: deviceId, keys })
      .onConflict((conflict) => conflict.columns(['user_id', 'device_id']).doUpdateSet({ keys }))
      .execute();
    await this.forgetSignaturesOf(userId, [deviceId]);
    return true;
  }

  /** Meaningful while the account is locked, see `AccountTransactor.lock`. */
  async crossSigningKeys(userId: UserId): Promise<Map<CrossSigningUsage, CrossSigningKey>> {
    const rows = await this.transaction
      .selectFrom('cross_signing_keys')
      .select(['usage', 'public_key as publicKey', 'key'])
      .where('user_id', '=', userId)
      .execute();
    return new Map(rows.map((row) => [row.usage, row]));
  }

  /**
   * Puts a cross-signing key in the place of the one of its usage.
   * @param replaced that one, when other bytes were signed: signatures of it go with it, and those by it unless the public key stays
   */
  async putCrossSigningKey(
    userId: UserId,
    { usage, publicKey, key }: CrossSigningKey,
    replaced: CrossSigningKey | undefined,
  ): Promise<void> {
    await this.transaction
      .insertInto('cross_signing_keys')
      .values({ user_id: userId, usage, public_key: publicKey, key })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'usage']).doUpdateSet({ public_key: publicKey, key }),
      )
      .execute();
    if (replaced === undefined) return;
    await this.forgetSignaturesOf(userId, [replaced.publicKey]);
    if (replaced.publicKey === publicKey) return;
    await this.transaction
      .deleteFrom('key_signatures')
      .where('signer_user_id', '=', userId)
      .where('signer_key_id', '=', `ed25519:${replaced.publicKey}`)
      .execute();
  }

  /** Whether one of the names is a device of the user. */
  async hasDevice(userId: UserId, names: readonly string[]): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .where('device_id', '=', anyOf(names as readonly DeviceId[]))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Adds signatures; one of the same key by the same key is replaced. */
  async putSignatures(signatures: readonly KeySignature[]): Promise<void> {
    for (const { signature, ...key } of signatures) {
      await this.transaction
        .insertInto('key_signatures')
        .values({
          target_user_id: key.targetUserId,
          target_key_id: key.targetKeyId,
          signer_user_id: key.signerUserId,
          signer_key_id: key.signerKeyId,
          signature,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['target_user_id', 'target_key_id', 'signer_user_id', 'signer_key_id'])
            .doUpdateSet({ signature }),
        )
        .execute();
    }
  }

  private async forgetSignaturesOf(userId: UserId, keyIds: readonly string[]): Promise<void> {
    await this.transaction
      .deleteFrom('key_signatures')
      .where('target_user_id', '=', userId)
      .where('target_key_id', '=', anyOf(keyIds))
      .execute();
  }
}
