import {
  EventTextReader,
  InboundRoomReader,
  ReceivedTransactionReader,
  ReceivedTransactionTransactor,
  RoomServersReader,
} from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { ReceivedPduCheck, type ServerKeys } from '@atoll/server-keys';
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Platform } from '../platform.js';
import { PduJudge } from './judge-pdus.js';
import { RoomAdmissions } from './room-admissions.js';
import { SendTransactionController } from './send-transaction.controller.js';
import { SendTransactionHandler } from './send-transaction.handler.js';
import { sweepOldTransactions } from './sweep-old-transactions.js';
import { TransactionTurns } from './transaction-turns.js';

const STOP_SWEEPING = Symbol('StopSweeping');

/** What other servers send: events and ephemeral messages. */
@Module({ controllers: [SendTransactionController] })
export class SendTransactionModule implements OnApplicationShutdown {
  constructor(@Inject(STOP_SWEEPING) private readonly stopSweeping: () => void) {}

  static on({ config, database, redis, logger }: Platform, keys: ServerKeys): DynamicModule {
    const { serverName } = config;
    const rooms = new InboundRoomReader(database);
    const transactor = new ReceivedTransactionTransactor(database);
    const admissions = new RoomAdmissions(
      serverName,
      rooms,
      new RoomServersReader(database),
      new EventTextReader(database),
    );
    const handler = new SendTransactionHandler(
      new ReceivedTransactionReader(database),
      transactor,
      new TransactionTurns(transactor, logger),
      new PduJudge(serverName, admissions, rooms, new ReceivedPduCheck(keys)),
      admissions,
      new Announcer(redis),
    );
    const providers = [
      { provide: SendTransactionHandler, useValue: handler },
      { provide: STOP_SWEEPING, useFactory: () => sweepOldTransactions(transactor, logger) },
    ];
    return { module: SendTransactionModule, providers };
  }

  onApplicationShutdown(): void {
    this.stopSweeping();
  }
}
