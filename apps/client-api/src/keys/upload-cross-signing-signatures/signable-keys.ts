import type { Config } from '@atoll/config';
import { DeviceKeyReader } from '@atoll/database';
import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { REMOTE_KEYS, type RemoteKeys, type TellKeys } from '../remote-keys.js';
import { ServerAsker } from '../server-asker.js';
import { partByServer, timeoutOf, withoutKnown } from '../users-by-server.js';

/** Keys as they are known, which may be signed, and by whom. */
export interface SignableKeys {
  /** By user and key id: a device id, or the public part of a master key. */
  readonly keys: ReadonlyMap<UserId, ReadonlyMap<string, SignableKey>>;
  /** The signer's own keys that sign: key id with its algorithm → public key. */
  readonly signers: Readonly<Record<SignerKind, ReadonlyMap<string, string>>>;
}

export interface SignableKey {
  readonly key: JsonObject;
  readonly signedBy: SignerKind;
}

/** Which keys of a user sign a key. @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
export type SignerKind = 'self-signing' | 'user-signing' | 'device';

/** Loads what a user signs: own devices by the self-signing key, the own master key by devices, those of others by the user-signing key. */
@Injectable()
export class SignableKeysLoader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(REMOTE_KEYS) private readonly remote: RemoteKeys,
    private readonly servers: ServerAsker,
    private readonly reader: DeviceKeyReader,
  ) {}

  async load(signer: UserId, userIds: readonly UserId[]): Promise<SignableKeys> {
    const { ours, theirs } = partByServer(
      new Map(userIds.map((userId) => [userId, []])),
      this.config.serverName,
    );
    const keys = new Map<UserId, Map<string, SignableKey>>(userIds.map((userId) => [userId, new Map()]));
    const addTheirs: TellKeys = ([userId, { masterKey }]) => {
      const name = masterKey && publicKeyOf(masterKey);
      if (name !== undefined) keys.get(userId)?.set(name, { key: masterKey ?? {}, signedBy: 'user-signing' });
    };
    const known = await this.remote.known(new Map([...theirs.values()].flatMap((ofServer) => [...ofServer])));
    for (const one of known) addTheirs(one);
    const [devices, crossSigning] = await Promise.all([
      this.reader.devicesOf([signer], signer),
      this.reader.crossSigningKeysOf([signer, ...ours.keys()], signer),
      this.servers.ask(
        signer,
        withoutKnown(theirs, known),
        timeoutOf(undefined),
        (server, users, ms, take: TellKeys) => this.remote.query(server, users, ms, take),
        addTheirs,
      ),
    ]);
    for (const { deviceId, keys: key } of devices)
      keys.get(signer)?.set(deviceId, { key, signedBy: 'self-signing' });
    for (const { userId, usage, publicKey, key } of crossSigning) {
      if (usage !== 'master') continue;
      keys.get(userId)?.set(publicKey, { key, signedBy: userId === signer ? 'device' : 'user-signing' });
    }
    const own = (wanted: string) =>
      new Map(
        crossSigning
          .filter(({ userId, usage }) => userId === signer && usage === wanted)
          .map(({ publicKey }) => [`ed25519:${publicKey}`, publicKey]),
      );
    const ofDevices = devices.flatMap(({ deviceId, keys: { keys: named } }) => {
      const keyId = `ed25519:${deviceId}`;
      const key = isJsonObject(named) && Object.hasOwn(named, keyId) ? named[keyId] : undefined;
      return typeof key === 'string' ? [[keyId, key] as const] : [];
    });
    return {
      keys,
      signers: {
        'self-signing': own('self_signing'),
        'user-signing': own('user_signing'),
        device: new Map(ofDevices),
      },
    };
  }
}

function publicKeyOf({ keys }: JsonObject): string | undefined {
  const [key] = isJsonObject(keys) ? Object.values(keys) : [];
  return typeof key === 'string' ? key : undefined;
}
