import { DeviceListsChanged } from '@atoll/contract';
import {
  AccountTransactor,
  commitInLanes,
  type CrossSigningKey,
  type CrossSigningUsage,
  type Database,
  DeviceKeyTransactor,
  DeviceListTransactor,
} from '@atoll/database';
import { verifySignedJson } from '@atoll/event-crypto';
import { forbidden, MatrixError, missingParam, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../../platform/tokens.js';
import type { UploadedKey } from './check-cross-signing-keys.js';
import { isSameKey, mergeSignatures } from './merge-signatures.js';

type KnownKeys = ReadonlyMap<CrossSigningUsage, CrossSigningKey>;

/** Stores the cross-signing keys of a user. */
@Injectable()
export class UploadCrossSigningKeysHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /**
   * First keys need no more than an access token, nor do keys that are there already. Of a key everything counts that is signed: with other
   * content under the same public key, what others signed would be worth nothing any more.
   * @throws MatrixError 400 M_INVALID_SIGNATURE, M_MISSING_PARAM without a master key; 403 for the name of a device, and for too many signatures
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
   */
  async store(
    userId: UserId,
    uploaded: readonly UploadedKey[],
    isAuthenticated: boolean,
  ): Promise<'stored' | 'needs-authentication'> {
    const taken = await commitInLanes(this.database.db, async (trx, closing) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      const keys = new DeviceKeyTransactor(trx);

      // 1. What is new.
      const known = await keys.crossSigningKeys(userId);
      const fresh = uploaded.filter((key) => !isSameKey(key, known.get(key.usage)));
      if (known.has('master') && fresh.length > 0 && !isAuthenticated) return 'needs-authentication';

      // 2. It is signed by the master key, and mistaken for nothing else.
      await requireMasterSignatures(userId, uploaded, known);
      const names = fresh.map(({ publicKey }) => publicKey);
      if (await keys.hasDevice(userId, names)) throw forbidden('A device has the id of one of the keys');

      // 3. Others hear of it.
      const merged = uploaded.map((key) => mergeSignatures(userId, key, known.get(key.usage)));
      const changed = merged.filter(({ usage, key }) => known.get(usage)?.key !== key);
      for (const key of changed) {
        const before = known.get(key.usage);
        await keys.putCrossSigningKey(userId, key, isSameKey(key, before) ? undefined : before);
      }
      return changed.length === 0 ? undefined : new DeviceListTransactor(trx, closing).markChanged([userId]);
    });
    if (taken === 'needs-authentication') return taken;
    if (taken) this.announcer.publish(DeviceListsChanged, { position: taken.at(0) });
    return 'stored';
  }
}

async function requireMasterSignatures(
  userId: UserId,
  uploaded: readonly UploadedKey[],
  known: KnownKeys,
): Promise<void> {
  const master = uploaded.find(({ usage }) => usage === 'master') ?? known.get('master');
  if (master === undefined) throw missingParam('There is no master key');
  for (const { usage, body } of uploaded) {
    if (usage === 'master') continue;
    const { publicKey } = master;
    if (!(await verifySignedJson(body, userId, `ed25519:${publicKey}`, publicKey)))
      throw new MatrixError(400, 'M_INVALID_SIGNATURE', `The master key has not signed the ${usage} key`);
  }
}
