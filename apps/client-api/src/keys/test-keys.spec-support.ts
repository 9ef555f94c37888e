import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { encodeUnpaddedBase64, signedBytes } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject } from '@atoll/matrix';
import type { TestClientApi, TestUser } from '../test-client-api.spec-support.js';

/** An Ed25519 key of a client. */
export class ClientKey {
  readonly publicKey: string;
  private readonly privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKey = encodeUnpaddedBase64(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    this.privateKey = privateKey;
  }

  /** The object with one more signature. */
  sign(object: JsonObject, userId: string, keyName: string): JsonObject {
    const signature = encodeUnpaddedBase64(sign(null, signedBytes(object), this.privateKey));
    const before = isJsonObject(object['signatures']) ? object['signatures'] : {};
    const own = isJsonObject(before[userId]) ? before[userId] : {};
    return {
      ...object,
      signatures: { ...before, [userId]: { ...own, [`ed25519:${keyName}`]: signature } },
    };
  }
}

/** Identity keys of a device, signed by itself. */
export function deviceKeysOf({ userId, deviceId }: TestUser, key = new ClientKey()): JsonObject {
  const keys = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`ed25519:${deviceId}`]: key.publicKey, [`curve25519:${deviceId}`]: new ClientKey().publicKey },
  };
  return key.sign(keys, userId, deviceId);
}

/** One-time keys `signed_curve25519:<name>`; the signatures are for clients to check. */
export function oneTimeKeys(...names: string[]): JsonObject {
  return Object.fromEntries(
    names.map((name) => [`signed_curve25519:${name}`, { key: `key ${name}`, signatures: {} }]),
  );
}

/** The three keys of a user, as they are uploaded. */
export class CrossSigning {
  readonly master = new ClientKey();
  readonly selfSigning = new ClientKey();
  readonly userSigning = new ClientKey();

  constructor(readonly userId: string) {}

  get upload() {
    return {
      master_key: this.body(this.master, 'master'),
      self_signing_key: this.signedByMaster(this.body(this.selfSigning, 'self_signing')),
      user_signing_key: this.signedByMaster(this.body(this.userSigning, 'user_signing')),
    };
  }

  body({ publicKey }: ClientKey, usage: string): JsonObject {
    return { user_id: this.userId, usage: [usage], keys: { [`ed25519:${publicKey}`]: publicKey } };
  }

  signedByMaster(key: JsonObject): JsonObject {
    return this.master.sign(key, this.userId, this.master.publicKey);
  }
}

/** Requests about keys. */
export function keyRequests(api: TestClientApi) {
  const post =
    (path: string) =>
    ({ token }: Pick<TestUser, 'token'>, body: JsonObject) =>
      api.request('POST', `/keys/${path}`, { token, body });
  return {
    upload: post('upload'),
    claim: post('claim'),
    query: post('query'),
    uploadCrossSigning: post('device_signing/upload'),
    uploadSignatures: post('signatures/upload'),
  };
}
