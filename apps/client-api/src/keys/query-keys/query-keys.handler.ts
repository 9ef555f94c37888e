import type { Config } from '@atoll/config';
import { DeviceKeyReader, type DeviceKeys, signedKeyName, withSignatures } from '@atoll/database';
import { type JsonObject, isJsonObject, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import {
  type QueriedDevices,
  REMOTE_KEYS,
  type RemoteKeys,
  type RemoteUserKeys,
  type TellKeys,
} from '../remote-keys.js';
import { ServerAsker } from '../server-asker.js';
import { partByServer, withoutKnown } from '../users-by-server.js';
import { QueryKeysBody } from './query-keys-body.js';

/** Users whose keys are read and written into the answer at once. */
const USERS_AT_ONCE = 100;

/** Tells the devices and keys of users. */
@Injectable()
export class QueryKeysHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(REMOTE_KEYS) private readonly remote: RemoteKeys,
    private readonly servers: ServerAsker,
    private readonly keys: DeviceKeyReader,
  ) {}

  /** JSON of the answer; users of this server who are not there have no devices. */
  async query(viewer: UserId, users: QueriedDevices, timeoutMs: number): Promise<string> {
    const body = new QueryKeysBody();
    const { ours, theirs } = partByServer(users, this.config.serverName);
    const found = new Map(
      await this.remote.known(new Map([...theirs.values()].flatMap((ofServer) => [...ofServer]))),
    );
    const [failures] = await Promise.all([
      this.servers.ask(
        viewer,
        withoutKnown(theirs, found),
        timeoutMs,
        (server, wanted, bounds, take: TellKeys) => this.remote.query(server, wanted, bounds, take),
        ([userId, keys]) => found.set(userId, keys),
      ),
      this.addOurs(body, viewer, [...ours]),
    ]);
    await this.addTheirs(body, viewer, [...found]);
    return body.toString(failures);
  }

  private async addOurs(
    body: QueryKeysBody,
    viewer: UserId,
    users: readonly (readonly [UserId, readonly string[]])[],
  ): Promise<void> {
    for (let i = 0; i < users.length; i += USERS_AT_ONCE) {
      const some = new Map(users.slice(i, i + USERS_AT_ONCE));
      const [devices, crossSigning] = await Promise.all([
        this.keys.devicesOf([...some.keys()], viewer),
        this.keys.crossSigningKeysOf([...some.keys()], viewer),
      ]);
      const byUser = Map.groupBy(devices, ({ userId }) => userId);
      for (const [userId, wanted] of some) {
        const told = (byUser.get(userId) ?? []).filter(
          ({ deviceId }) => wanted.length === 0 || wanted.includes(deviceId),
        );
        body.addDevices(userId, Object.fromEntries(told.map((device) => [device.deviceId, toBody(device)])));
      }
      for (const { userId, usage, key } of crossSigning) body.addKey(userId, usage, key);
    }
  }

  /** Their keys are theirs, but what the viewer signed of them is known here alone. */
  private async addTheirs(
    body: QueryKeysBody,
    viewer: UserId,
    users: readonly (readonly [UserId, RemoteUserKeys])[],
  ): Promise<void> {
    if (users.length === 0) return;
    const signatures = await this.keys.signaturesOf(
      users.map(([userId]) => userId),
      viewer,
    );
    for (const [userId, { devices, masterKey, selfSigningKey }] of users) {
      body.addDevices(userId, devices);
      if (masterKey) {
        const added = Object.keys(isJsonObject(masterKey['keys']) ? masterKey['keys'] : {}).flatMap(
          (keyId) => signatures.get(signedKeyName(userId, keyId.slice(keyId.indexOf(':') + 1))) ?? [],
        );
        body.addKey(userId, 'master', withSignatures(masterKey, added));
      }
      if (selfSigningKey) body.addKey(userId, 'self_signing', selfSigningKey);
    }
  }
}

function toBody({ keys, displayName }: DeviceKeys): JsonObject {
  return displayName === null ? keys : { ...keys, unsigned: { device_display_name: displayName } };
}
