import type { Config } from '@atoll/config';
import { KeyCountsChanged } from '@atoll/contract';
import {
  type ClaimedKey,
  commitInLanes,
  type Database,
  OneTimeKeyTransactor,
  type WantedKey,
} from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, DATABASE } from '../../platform/tokens.js';
import { REMOTE_KEYS, type RemoteClaims, type RemoteKeys, type WantedKeys } from '../remote-keys.js';
import { ServerAsker } from '../server-asker.js';
import { partByServer } from '../users-by-server.js';

/** Gives out keys for new sessions. */
@Injectable()
export class ClaimKeysHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(REMOTE_KEYS) private readonly remote: RemoteKeys,
    private readonly servers: ServerAsker,
    private readonly announcer: Announcer,
  ) {}

  /**
   * The body of an answer. A device of which there is no key is not in it.
   * @param claimant who waits for it
   */
  async claim(claimant: UserId, wanted: WantedKeys, timeoutMs: number): Promise<JsonObject> {
    const { ours, theirs } = partByServer(wanted, this.config.serverName);
    const found = new Map<UserId, JsonObject>();
    const [local, failures] = await Promise.all([
      this.claimOurs(ours),
      this.servers.ask(
        claimant,
        theirs,
        timeoutMs,
        async (server, users, bounds, take: (claims: RemoteClaims) => void) => {
          take(await this.remote.claim(server, users, bounds));
        },
        (claims) => {
          for (const [userId, devices] of claims) found.set(userId, devices);
        },
      ),
    ]);
    for (const [userId, keys] of Map.groupBy(local, (key) => key.userId)) {
      found.set(
        userId,
        Object.fromEntries(keys.map(({ deviceId, keyName, key }) => [deviceId, { [keyName]: key }])),
      );
    }
    return { one_time_keys: Object.fromEntries(found), failures };
  }

  private async claimOurs(wanted: WantedKeys): Promise<readonly ClaimedKey[]> {
    const keys = Array.from(wanted).flatMap(([userId, devices]) =>
      Array.from(devices, ([deviceId, algorithm]): WantedKey => ({ userId, deviceId, algorithm })),
    );
    if (keys.length === 0) return [];
    const claimed = await commitInLanes(this.database.db, (trx, closing) =>
      new OneTimeKeyTransactor(trx, closing).claim(keys),
    );
    if (claimed.counts) this.announcer.publish(KeyCountsChanged, { position: claimed.counts.at(0) });
    return claimed.keys;
  }
}
