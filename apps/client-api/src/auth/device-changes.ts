import { DeviceListsChanged } from '@atoll/contract';
import { commitInLanes, type Database, type DatabaseSchema, DeviceTransactor } from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { DATABASE } from '../platform/tokens.js';

/** A transaction in which devices come, go or change. */
export interface DeviceChange {
  readonly transaction: Transaction<DatabaseSchema>;
  readonly devices: DeviceTransactor;
}

/** Changes devices, and tells those who are concerned that the list of the user's devices has changed. */
@Injectable()
export class DeviceChanges {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  async transact<T>(work: (change: DeviceChange) => Promise<T>): Promise<T> {
    const { result, devices } = await commitInLanes(this.database.db, async (transaction, closing) => {
      const devices = new DeviceTransactor(transaction, closing);
      return { result: await work({ transaction, devices }), devices };
    });
    this.tell(devices);
    return result;
  }

  /** After the commit of a transaction that was not begun here. */
  tell({ listChange }: DeviceTransactor): void {
    if (listChange) this.announcer.publish(DeviceListsChanged, { position: listChange.at(0) });
  }
}
