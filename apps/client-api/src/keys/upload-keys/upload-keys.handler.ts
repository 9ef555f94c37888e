import { DeviceListsChanged, KeyCountsChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  DeviceKeyTransactor,
  DeviceListTransactor,
  KeyCountReader,
  type NamedKey,
  OneTimeKeyTransactor,
  type UploadOutcome,
} from '@atoll/database';
import { canonicalJson } from '@atoll/event-crypto';
import { unknownToken, type UserRequester } from '@atoll/http';
import { badJson, invalidParam, type JsonObject, type JsonValue, resourceLimit } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../../platform/tokens.js';
import { keptKey } from '../own-signatures.js';
import type { UploadKeysBody } from './upload-keys.controller.js';

/** Stores the keys that a device publishes. */
@Injectable()
export class UploadKeysHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
    private readonly counts: KeyCountReader,
  ) {}

  /**
   * The unclaimed one-time keys of the device, by algorithm. Others verify the signatures: this server is not who vouches for a device.
   * @throws MatrixError 400 for keys of another device, and for another key under an id that is taken; 401 when the device is gone
   * @see https://spec.matrix.org/v1.19/client-server-api/#uploading-keys
   */
  async upload(
    { userId, deviceId }: Pick<UserRequester, 'userId' | 'deviceId'>,
    { device_keys: deviceKeys, one_time_keys = {}, fallback_keys = {} }: UploadKeysBody,
  ): Promise<Readonly<Record<string, number>>> {
    // 1. They are this device's.
    if (deviceId === undefined) throw invalidParam('This access token is of no device');
    if (deviceKeys && (deviceKeys.user_id !== userId || deviceKeys.device_id !== deviceId))
      throw badJson('The device keys are of another device');
    const device = { userId, deviceId };
    const fallbackKeys = namedFallbackKeys(fallback_keys);

    // 2. They are stored together or not at all.
    const taken = await commitInLanes(this.database.db, async (trx, closing) => {
      const keys = new DeviceKeyTransactor(trx);
      if (!(await keys.lockDevice(device))) throw unknownToken();
      const kept = deviceKeys && canonicalJson(keptKey(deviceKeys as JsonObject, userId));
      const isChanged = kept !== undefined && (await keys.putDeviceKeys(device, kept));
      const lists = isChanged
        ? await new DeviceListTransactor(trx, closing).markChanged([userId])
        : undefined;
      const oneTimeKeys = named(one_time_keys);
      const outcome = await new OneTimeKeyTransactor(trx, closing).upload({
        ...device,
        oneTimeKeys,
        fallbackKeys,
      });
      return { lists, counts: countsOf(outcome) };
    });

    // 3. Those concerned hear of it.
    if (taken.lists) this.announcer.publish(DeviceListsChanged, { position: taken.lists.at(0) });
    if (taken.counts) this.announcer.publish(KeyCountsChanged, { position: taken.counts.at(0) });
    return (await this.counts.of(device)).oneTimeKeys;
  }
}

/** @throws MatrixError when the keys are not to be stored, which undoes all of it */
export function countsOf(outcome: UploadOutcome) {
  if (outcome.outcome === 'conflict')
    throw invalidParam(`There is another key with the name ${outcome.keyName}`);
  if (outcome.outcome === 'too-many') throw resourceLimit('The device has too many one-time keys');
  return outcome.counts;
}

/** @throws MatrixError 400 M_INVALID_PARAM for two keys of one algorithm */
export function namedFallbackKeys(keys: Readonly<Record<string, JsonValue>>): NamedKey[] {
  const fallbackKeys = named(keys);
  if (new Set(fallbackKeys.map(({ algorithm }) => algorithm)).size < fallbackKeys.length)
    throw invalidParam('There is one fallback key for each algorithm');
  return fallbackKeys;
}

/** Keys by their names, as they are stored. */
export function named(keys: Readonly<Record<string, JsonValue>>): NamedKey[] {
  return Object.entries(keys).map(([name, key]) => {
    const colon = name.indexOf(':');
    return {
      algorithm: name.slice(0, colon),
      keyId: name.slice(colon + 1),
      // Clients may write the same key in another order the next time.
      key: canonicalJson(key),
    };
  });
}
