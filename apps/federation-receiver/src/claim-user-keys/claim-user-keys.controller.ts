import { KeyCountsChanged, userIdSchema } from '@atoll/contract';
import { commitInLanes, type Database, OneTimeKeyTransactor, type WantedKey } from '@atoll/database';
import { FederationSignature } from '@atoll/http';
import { isDeviceId, type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../user-keys.tokens.js';
import { notOurUser } from '../query-user-keys/not-our-user.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';

/** Of one request. */
const MAX_DEVICES = 5_000;

const bodySchema = z.object({
  one_time_keys: z
    .record(userIdSchema, z.record(z.string(), z.string().max(255)))
    .refine(
      (users) =>
        Object.values(users).reduce((sum, devices) => sum + Object.keys(devices).length, 0) <= MAX_DEVICES,
      `more than ${MAX_DEVICES} devices`,
    ),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim */
@FederationSignature()
@Controller('_matrix/federation/v1/user/keys/claim')
export class ClaimUserKeysController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
    @Inject(OWN_SERVER_NAME) private readonly serverName: string,
  ) {}

  /** A device of which there is no key is not in the answer. */
  @Post()
  @HttpCode(200)
  async claimUserKeys(
    @Body({ schema: bodySchema }) { one_time_keys: wanted }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    const userIds = Object.keys(wanted) as UserId[];
    if (userIds.some((userId) => serverNameOf(userId) !== this.serverName)) throw notOurUser();
    const keys = userIds.flatMap((userId) =>
      Object.entries(wanted[userId] ?? {}).flatMap(([deviceId, algorithm]): WantedKey[] =>
        isDeviceId(deviceId) && !algorithm.includes('\0') ? [{ userId, deviceId, algorithm }] : [],
      ),
    );
    if (keys.length === 0) return { one_time_keys: {} };
    const claimed = await commitInLanes(this.database.db, (trx, closing) =>
      new OneTimeKeyTransactor(trx, closing).claim(keys),
    );
    if (claimed.counts) this.announcer.publish(KeyCountsChanged, { position: claimed.counts.at(0) });
    const told = Array.from(
      Map.groupBy(claimed.keys, ({ userId }) => userId),
      ([userId, ofUser]) => [
        userId,
        Object.fromEntries(ofUser.map(({ deviceId, keyName, key }) => [deviceId, { [keyName]: key }])),
      ],
    );
    return { one_time_keys: Object.fromEntries(told) as JsonObject };
  }
}
