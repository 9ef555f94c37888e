import { DeviceListsChanged } from '@atoll/contract';
import {
  type BegunFetch,
  commitInLanes,
  type Database,
  DeviceListTransactor,
  type FetchedList,
  RemoteDeviceListReader,
  RemoteDeviceListTransactor,
} from '@atoll/database';
import { type JsonObject, type JsonValue, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import type { ByteAllowance } from '@atoll/federation-client';
import type { Announcer } from '@atoll/redis-streams';
import { readQueriedKeys, readUserDevices } from './read-device-answers.js';

/** Of users of one server of whom each is asked for apart; more are asked for together, without a number to go on from. */
const MAX_APART = 10;
const APART_AT_ONCE = 3;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A question to another server. */
export interface DeviceQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly content?: JsonValue;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly allowance?: ByteAllowance | undefined;
}

/** What one fetch may take. */
export interface FetchBounds {
  /** For all of its questions. */
  readonly timeoutMs: number;
  readonly allowance?: ByteAllowance;
}

/** @returns the object that the server answers; undefined for a 404 @throws when there is no usable answer */
export type AskServer = (server: ServerName, question: DeviceQuestion) => Promise<JsonObject | undefined>;

type TakeList = (userId: UserId, list: FetchedList | undefined) => void;

/** Keeps the device lists of users of other servers with whom a room is shared, and fetches what is not known of them. */
export class RemoteDeviceLists {
  readonly reader: RemoteDeviceListReader;

  constructor(
    private readonly database: Database,
    serverName: ServerName,
    private readonly announcer: Announcer,
    private readonly ask: AskServer,
  ) {
    this.reader = new RemoteDeviceListReader(database, serverName);
  }

  /**
   * Asks a server for the lists of some of its users, and keeps them. All of them must share a room with a user of this server.
   * @param tell each list that it tells, as it comes
   * @throws when one of them could not be had; the others are told and kept
   */
  async fetch(
    server: ServerName,
    userIds: readonly UserId[],
    bounds: FetchBounds,
    tell: (userId: UserId, list: FetchedList) => void,
  ): Promise<void> {
    const begun = await this.database.db
      .transaction()
      .execute((trx) => new RemoteDeviceListTransactor(trx).beginFetch(userIds));
    const lists = new Map<UserId, FetchedList>();
    const take = (userId: UserId, list: FetchedList | undefined) => {
      if (list === undefined) return;
      lists.set(userId, list);
      tell(userId, list);
    };
    try {
      if (begun.length <= MAX_APART) await this.fetchApart(userIds, bounds, take);
      else await this.fetchTogether(server, userIds, bounds, take);
    } finally {
      await this.store(begun, lists);
    }
  }

  private async fetchApart(userIds: readonly UserId[], bounds: FetchBounds, take: TakeList): Promise<void> {
    const deadline = performance.now() + bounds.timeoutMs;
    const waiting = userIds.values();
    const failures: unknown[] = [];
    const work = async () => {
      for (const userId of waiting) {
        try {
          const timeoutMs = Math.max(1, deadline - performance.now());
          take(userId, await this.fetchOne(userId, { ...bounds, timeoutMs }));
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: APART_AT_ONCE }, work));
    if (failures.length > 0) throw failures[0];
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid */
  private async fetchOne(userId: UserId, bounds: FetchBounds): Promise<FetchedList | undefined> {
    const path = `/_matrix/federation/v1/user/devices/${encodeURIComponent(userId)}`;
    const answer = await this.ask(serverNameOf(userId), {
      method: 'GET',
      path,
      maxBytes: MAX_ANSWER_BYTES,
      ...bounds,
    });
    return answer && readUserDevices(answer, userId);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
  private async fetchTogether(
    server: ServerName,
    userIds: readonly UserId[],
    bounds: FetchBounds,
    take: TakeList,
  ): Promise<void> {
    const answer = await this.ask(server, {
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/query',
      content: { device_keys: Object.fromEntries(userIds.map((userId) => [userId, []])) },
      maxBytes: MAX_ANSWER_BYTES,
      ...bounds,
    });
    for (const userId of userIds) take(userId, answer && readQueriedKeys(answer, userId));
  }

  private async store(begun: readonly BegunFetch[], lists: ReadonlyMap<UserId, FetchedList>): Promise<void> {
    const sorted = begun.toSorted((a, b) => (a.userId < b.userId ? -1 : 1));
    const changed = await commitInLanes(this.database.db, async (trx, closing) => {
      const transactor = new RemoteDeviceListTransactor(trx);
      const users: UserId[] = [];
      for (const fetch of sorted) {
        const list = lists.get(fetch.userId);
        if (list && (await transactor.store(fetch, list))) users.push(fetch.userId);
      }
      return new DeviceListTransactor(trx, closing).markChanged(users);
    });
    if (changed) this.announcer.publish(DeviceListsChanged, { position: changed.at(0) });
  }
}
