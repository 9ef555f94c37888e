import { AccountDataChanged } from '@atoll/contract';
import { AccountDataTransactor, AccountTransactor, type Database, commitInLanes } from '@atoll/database';
import { forbidden, type JsonObject, resourceLimit, type RoomId, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { requireClientManaged } from './server-managed-types.js';

/** Of one user, in all rooms: a first sync gives all of it at once. */
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Stores account data and tells waiting syncs of the user. */
@Injectable()
export class PutAccountDataHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /**
   * `roomId` is '' for global data.
   * @throws MatrixError 405 M_BAD_JSON for types that the server manages, 403 M_RESOURCE_LIMIT_EXCEEDED
   */
  async put(userId: UserId, roomId: RoomId | '', type: string, content: JsonObject): Promise<void> {
    requireClientManaged(type);
    await this.update(userId, roomId, type, () => content);
  }

  /**
   * Changes an entry of any type, for the server's own use. `change` is given the present content and gives the new one, or undefined to
   * leave it; nobody else changes the user's account data in between.
   * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED
   */
  async update(
    userId: UserId,
    roomId: RoomId | '',
    type: string,
    change: (content: JsonObject | undefined) => JsonObject | undefined,
  ): Promise<void> {
    const positions = await commitInLanes(this.database.db, async (trx, closing) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      const accountData = new AccountDataTransactor(trx, closing);
      const content = change(await accountData.find(userId, roomId, type));
      if (content === undefined) return undefined;
      const taken = await accountData.put(userId, roomId, type, content);
      const { entries, bytes } = await accountData.usage(userId);
      if (entries > MAX_ENTRIES || bytes > MAX_BYTES) throw resourceLimit('There is too much account data');
      return taken;
    });
    if (positions) this.announcer.publish(AccountDataChanged, { position: positions.at(0), userId });
  }
}
