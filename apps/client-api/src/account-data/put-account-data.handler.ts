import { AccountDataChanged } from '@atoll/contract';
import { AccountDataTransactor, type Database, commitInLanes } from '@atoll/database';
import { type JsonObject, MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-12 */
const SERVER_MANAGED_TYPES = ['m.fully_read', 'm.push_rules'];

/** Stores account data and tells waiting syncs of the user. */
@Injectable()
export class PutAccountDataHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /**
   * `roomId` is '' for global data.
   * @throws MatrixError 405 M_BAD_JSON for types that the server manages
   */
  async put(userId: UserId, roomId: RoomId | '', type: string, content: JsonObject): Promise<void> {
    if (SERVER_MANAGED_TYPES.includes(type)) {
      throw new MatrixError(405, 'M_BAD_JSON', `${type} cannot be set through this endpoint`);
    }
    const positions = await commitInLanes(this.database.db, (trx, closing) =>
      new AccountDataTransactor(trx, closing).put(userId, roomId, type, content),
    );
    this.announcer.publish(AccountDataChanged, { position: positions.at(0), userId });
  }
}
