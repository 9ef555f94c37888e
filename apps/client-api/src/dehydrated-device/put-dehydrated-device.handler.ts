import { KeyCountsChanged } from '@atoll/contract';
import {
  AccountTransactor,
  commitInLanes,
  type Database,
  DeviceTransactor,
  OneTimeKeyTransactor,
} from '@atoll/database';
import { canonicalJson } from '@atoll/event-crypto';
import { badJson, forbidden, invalidParam, type JsonObject, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DeviceChanges } from '../auth/device-changes.js';
import { keptKey } from '../keys/own-signatures.js';
import { countsOf, named, namedFallbackKeys } from '../keys/upload-keys/upload-keys.handler.js';
import { DATABASE } from '../platform/tokens.js';
import type { DehydratedDeviceBody } from './dehydrated-device.schemas.js';

/** Makes a dehydrated device. */
@Injectable()
export class PutDehydratedDeviceHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly changes: DeviceChanges,
    private readonly announcer: Announcer,
  ) {}

  /**
   * The device with its keys, or nothing; the one before goes with its keys and its inbox.
   * @throws MatrixError 400 for keys of another device, and for the id of one that somebody is or can be logged in with
   */
  async put(userId: UserId, body: DehydratedDeviceBody): Promise<void> {
    const { device_id: deviceId, device_keys: deviceKeys, one_time_keys = {}, fallback_keys = {} } = body;
    const device = { userId, deviceId };
    if (deviceKeys.user_id !== userId || deviceKeys.device_id !== deviceId)
      throw badJson('The device keys are of another device');
    const keys = { oneTimeKeys: named(one_time_keys), fallbackKeys: namedFallbackKeys(fallback_keys) };

    const { counts, devices } = await commitInLanes(this.database.db, async (trx, closing) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      const devices = new DeviceTransactor(trx, closing);
      const isNew = await devices.putDehydrated({
        ...device,
        displayName: body.initial_device_display_name ?? null,
        data: JSON.stringify(body.device_data),
        keys: canonicalJson(keptKey(deviceKeys as JsonObject, userId)),
      });
      if (!isNew) throw invalidParam('Another device has this id');
      if (await devices.isNamedLikeKey(userId, deviceId))
        throw invalidParam('The device id is the name of a key');
      const outcome = await new OneTimeKeyTransactor(trx, closing).upload({ ...device, ...keys });
      return { counts: countsOf(outcome), devices };
    });
    this.changes.tell(devices);
    if (counts) this.announcer.publish(KeyCountsChanged, { position: counts.at(0) });
  }
}
