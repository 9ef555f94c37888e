import type { Config } from '@atoll/config';
import type { Database, RemoteDeviceList } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { DeviceId, JsonObject, ServerName, UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { readQueriedKeys, RemoteDeviceLists } from '@atoll/service';
import { Inject, Injectable } from '@nestjs/common';
import { askServer, unusable } from '../federation/remote-query.js';
import { CONFIG, DATABASE, FEDERATION } from '../platform/tokens.js';
import { readClaims } from './read-claims.js';
import type {
  AnswerBounds,
  QueriedDevices,
  RemoteClaims,
  RemoteKeys,
  RemoteUserKeys,
  TellKeys,
  WantedKeys,
} from './remote-keys.js';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Keys of users of other servers. The lists of those who share a room with a user of this server are kept, and the updates of their servers
 * applied to them; the others are asked for each time.
 */
@Injectable()
export class FederatedKeys implements RemoteKeys {
  private readonly lists: RemoteDeviceLists;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(DATABASE) database: Database,
    announcer: Announcer,
    @Inject(FEDERATION) private readonly federation: Pick<FederationClient, 'send'>,
  ) {
    this.lists = new RemoteDeviceLists(database, config.serverName, announcer, (server, question) =>
      askServer(federation, server, question),
    );
  }

  async known(users: QueriedDevices): Promise<Map<UserId, RemoteUserKeys>> {
    const known = await this.lists.reader.fresh([...users.keys()]);
    return new Map(Array.from(known, ([userId, list]) => [userId, told(list, users.get(userId))]));
  }

  async query(
    server: ServerName,
    users: QueriedDevices,
    bounds: AnswerBounds,
    tell: TellKeys,
  ): Promise<void> {
    const sharing = await this.lists.reader.sharing([...users.keys()]);
    const kept = [...users.keys()].filter((userId) => sharing.has(userId));
    const others = new Map([...users].filter(([userId]) => !sharing.has(userId)));
    const tellOne = (userId: UserId, list: RemoteDeviceList) => {
      tell([userId, told(list, users.get(userId))]);
    };
    const outcomes = await Promise.allSettled([
      kept.length > 0 && this.lists.fetch(server, kept, bounds, tellOne),
      others.size > 0 && this.queryOnce(server, others, bounds, tellOne),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim */
  async claim(server: ServerName, wanted: WantedKeys, bounds: AnswerBounds): Promise<RemoteClaims> {
    const users = Array.from(wanted, ([userId, devices]) => [userId, Object.fromEntries(devices)]);
    const answer = await askServer(this.federation, server, {
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/claim',
      content: { one_time_keys: Object.fromEntries(users) as JsonObject },
      maxBytes: MAX_ANSWER_BYTES,
      ...bounds,
    });
    if (answer === undefined) throw unusable(server);
    return readClaims(answer, wanted);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
  private async queryOnce(
    server: ServerName,
    users: QueriedDevices,
    bounds: AnswerBounds,
    tell: (userId: UserId, list: RemoteDeviceList) => void,
  ): Promise<void> {
    const answer = await askServer(this.federation, server, {
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/query',
      content: {
        device_keys: Object.fromEntries(Array.from(users, ([userId, devices]) => [userId, [...devices]])),
      },
      maxBytes: MAX_ANSWER_BYTES,
      ...bounds,
    });
    if (answer === undefined) throw unusable(server);
    for (const userId of users.keys()) {
      const list = readQueriedKeys(answer, userId);
      if (list) tell(userId, list);
    }
  }
}

/** What a client is told: the devices that have keys and were asked for. */
function told(
  { devices, masterKey, selfSigningKey }: RemoteDeviceList,
  wanted: readonly DeviceId[] = [],
): RemoteUserKeys {
  const entries = devices.flatMap(({ deviceId, displayName, keys }): [DeviceId, JsonObject][] => {
    if (keys === undefined || (wanted.length > 0 && !wanted.includes(deviceId))) return [];
    const unsigned = displayName !== null && { unsigned: { device_display_name: displayName } };
    return [[deviceId, { ...keys, ...unsigned }]];
  });
  return { devices: Object.fromEntries(entries), masterKey, selfSigningKey };
}
