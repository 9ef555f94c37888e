import type { Config } from '@atoll/config';
import { AccountDataReader, type AccountDataEntry } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { accountDataEvent, allGlobalEvents } from '../../account-data/account-data-events.js';
import { CONFIG } from '../../platform/tokens.js';
import { EXTENSION, type Extensions } from '../memory/connection-memory.js';
import type { SlidingContext } from '../sliding-context.js';
import type { ExtensionScope } from '../sliding-request.js';
import { type ExtensionRoom, partRooms } from './extension-rooms.js';

/** Account data, global and of rooms. @see https://github.com/matrix-org/matrix-spec-proposals/pull/3959 */
@Injectable()
export class AccountDataExtension {
  constructor(
    private readonly accountData: AccountDataReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param had the extensions by which global data was told before */
  async load(
    { request: { userId }, since, to }: SlidingContext,
    scope: ExtensionScope,
    rooms: readonly ExtensionRoom[],
    had: Extensions,
  ): Promise<JsonObject> {
    const { initial, fresh, known, from } = partRooms('accountData', 'account_data', scope, rooms, since);
    const isFirst = since === undefined || (had & EXTENSION.accountData) === 0;
    const globalFrom = isFirst ? 0 : since.account_data;
    const read = (roomIds: Parameters<AccountDataReader['changesIn']>[1], after: number) =>
      this.accountData.changesIn(userId, roomIds, after, to.account_data);
    const idsOf = (matches: typeof initial) => matches.map(({ membership }) => membership.roomId);
    const [global, all, changed] = await Promise.all([
      read([''], globalFrom),
      read(idsOf([...initial, ...fresh]), 0),
      read(idsOf(known), from),
    ]);
    const byRoom = Map.groupBy([...all, ...changed], ({ roomId }) => roomId);
    const toEvent = (entry: AccountDataEntry) => accountDataEvent(userId, entry, this.config);
    const globalEvents = isFirst ? allGlobalEvents(userId, global, this.config) : global.map(toEvent);
    return {
      ...(globalEvents.length > 0 && { global: globalEvents }),
      ...(byRoom.size > 0 && {
        rooms: Object.fromEntries(Array.from(byRoom, ([roomId, entries]) => [roomId, entries.map(toEvent)])),
      }),
    };
  }
}
