import { DeviceListsChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  DeviceKeyTransactor,
  DeviceListTransactor,
  type KeySignature,
} from '@atoll/database';
import { signedBytes, verifySignature } from '@atoll/event-crypto';
import { type JsonObject, MatrixError, notFound, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../../platform/tokens.js';
import { signaturesBy } from '../own-signatures.js';
import { type SignableKey, type SignableKeys, SignableKeysLoader } from './signable-keys.js';

type SignedKeys = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** Adds signatures that a user made of keys. */
@Injectable()
export class UploadSignaturesHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
    private readonly signable: SignableKeysLoader,
  ) {}

  /** The `failures` of an answer: what was not added, by user and key. */
  async upload(signer: UserId, body: SignedKeys): Promise<JsonObject> {
    // 1. Each key is known as it was signed, and each signature is right.
    const signed = Object.entries(body).filter(([, keys]) => Object.keys(keys).length > 0);
    const known = await this.signable.load(
      signer,
      signed.map(([userId]) => userId as UserId),
    );
    const valid: KeySignature[] = [];
    const failures = new Map<string, JsonObject>();
    for (const [userId, keys] of signed) {
      const refused: [string, JsonObject][] = [];
      for (const [keyId, signedKey] of Object.entries(keys)) {
        const target = { userId: userId as UserId, keyId };
        const outcome = await verifiedSignatures(signer, target, signedKey, known);
        if (outcome instanceof MatrixError) refused.push([keyId, outcome.body()]);
        else valid.push(...outcome);
      }
      if (refused.length > 0) failures.set(userId, Object.fromEntries(refused));
    }

    // 2. They are kept; those of the own keys are for everybody to see, those of others for their signer.
    if (valid.length > 0) await this.store(signer, valid);
    return Object.fromEntries(failures);
  }

  private async store(signer: UserId, signatures: readonly KeySignature[]): Promise<void> {
    const taken = await commitInLanes(this.database.db, async (trx, closing) => {
      await new DeviceKeyTransactor(trx).putSignatures(
        signatures.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
      );
      const lists = new DeviceListTransactor(trx, closing);
      const users = [...new Set(signatures.map(({ targetUserId }) => targetUserId))];
      if (users.includes(signer)) await lists.markChanged([signer]);
      return lists.markChanged(
        users.filter((userId) => userId !== signer),
        signer,
      );
    });
    if (taken) this.announcer.publish(DeviceListsChanged, { position: taken.at(0) });
  }
}

/** In one order for everybody, so that no two transactions wait for each other. */
function order({ targetUserId, targetKeyId, signerKeyId }: KeySignature): string {
  return JSON.stringify([targetUserId, targetKeyId, signerKeyId]);
}

const invalid = (message: string) => new MatrixError(400, 'M_INVALID_SIGNATURE', message);

/** The new signatures of a key, or why they are refused. */
async function verifiedSignatures(
  signer: UserId,
  { userId, keyId }: { readonly userId: UserId; readonly keyId: string },
  signedKey: JsonObject,
  { keys, signers }: SignableKeys,
): Promise<KeySignature[] | MatrixError> {
  const target = keys.get(userId)?.get(keyId);
  if (target === undefined) return notFound('There is no such key that this user signs');
  const bytes = bytesOf(signedKey);
  if (bytes === undefined || bytesOf(target.key)?.equals(bytes) !== true)
    return invalid('This is another key than the one that is known');
  const added = newSignatures(signer, signedKey, target);
  if (added === undefined) return invalid('The key carries no signature of this user');
  const found: KeySignature[] = [];
  for (const [signerKeyId, signature] of added) {
    const publicKey = signers[target.signedBy].get(signerKeyId);
    if (publicKey === undefined || !(await verifySignature(bytes, signature, publicKey)))
      return invalid(`No valid signature by ${signerKeyId}`);
    found.push({ targetUserId: userId, targetKeyId: keyId, signerUserId: signer, signerKeyId, signature });
  }
  return found;
}

/** Those that are not known yet; undefined where there is none at all. */
function newSignatures(
  signer: UserId,
  signedKey: JsonObject,
  { key }: SignableKey,
): [string, string][] | undefined {
  const given = Object.entries(signaturesBy(signedKey, signer));
  if (given.length === 0) return undefined;
  const known = signaturesBy(key, signer);
  return given
    .filter(([keyId, signature]) => !(Object.hasOwn(known, keyId) && known[keyId] === signature))
    .map(([keyId, signature]) => [keyId, typeof signature === 'string' ? signature : '']);
}

function bytesOf(key: JsonObject): Buffer | undefined {
  try {
    return signedBytes(key);
  } catch {
    return undefined;
  }
}
