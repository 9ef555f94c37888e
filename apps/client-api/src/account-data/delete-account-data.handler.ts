import { AccountDataChanged } from '@atoll/contract';
import { AccountDataTransactor, AccountTransactor, type Database, commitInLanes } from '@atoll/database';
import { forbidden, type RoomId, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { requireClientManaged } from './server-managed-types.js';

/** Deletes account data and tells waiting syncs of the user. */
@Injectable()
export class DeleteAccountDataHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /**
   * `roomId` is '' for global data. What is not there needs no deletion, and nobody hears of one.
   * @throws MatrixError 405 M_BAD_JSON for types that the server manages
   */
  async delete(userId: UserId, roomId: RoomId | '', type: string): Promise<void> {
    requireClientManaged(type);
    const positions = await commitInLanes(this.database.db, async (trx, closing) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      return new AccountDataTransactor(trx, closing).delete(userId, roomId, type);
    });
    if (positions) this.announcer.publish(AccountDataChanged, { position: positions.at(0), userId });
  }
}
