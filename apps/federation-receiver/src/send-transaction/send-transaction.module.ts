import {
  EventPlaceReader,
  EventTextReader,
  InboundRoomReader,
  PresenceReader,
  ReceivedTransactionReader,
  ReceivedTransactionTransactor,
  RoomServersReader,
} from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { ReceivedPduCheck, type ServerKeys } from '@atoll/server-keys';
import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Platform } from '../platform.js';
import { DeviceListIntake } from '../device-lists/device-list-intake.js';
import { DeviceListResync } from '../device-lists/device-list-resync.js';
import { PduJudge } from './judge-pdus.js';
import { PresenceIntake } from './presence-intake.js';
import { ReceiptIntake } from './receipt-intake.js';
import { RoomAdmissions } from './room-admissions.js';
import { SendTransactionController } from './send-transaction.controller.js';
import { SendTransactionHandler } from './send-transaction.handler.js';
import { sweepOldTransactions } from './sweep-old-transactions.js';
import { EduIntake } from './take-edus.js';
import { ToDeviceIntake } from './to-device-intake.js';
import { TransactionTurns } from './transaction-turns.js';
import { TypingIntake } from './typing-intake.js';

const STOP_SWEEPING = Symbol('StopSweeping');

/** What other servers send: events and ephemeral messages. */
@Module({ controllers: [SendTransactionController] })
export class SendTransactionModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(STOP_SWEEPING) private readonly stopSweeping: () => void,
    private readonly resync: DeviceListResync,
  ) {}

  static on({ config, database, redis, federation, logger }: Platform, keys: ServerKeys): DynamicModule {
    const { serverName } = config;
    const announcer = new Announcer(redis);
    const rooms = new InboundRoomReader(database);
    const transactor = new ReceivedTransactionTransactor(database);
    const admissions = new RoomAdmissions(
      serverName,
      rooms,
      new RoomServersReader(database),
      new EventTextReader(database),
    );
    const resync = new DeviceListResync({ database, serverName, announcer, federation, logger });
    const handler = new SendTransactionHandler(
      new ReceivedTransactionReader(database),
      transactor,
      new TransactionTurns(transactor, logger),
      new PduJudge(serverName, admissions, rooms, new ReceivedPduCheck(keys)),
      new EduIntake(
        admissions,
        new TypingIntake(database, rooms, announcer),
        new ReceiptIntake(database, rooms, new EventPlaceReader(database), announcer),
        new PresenceIntake(config, database, rooms, new PresenceReader(database), announcer),
        new ToDeviceIntake(serverName, database, announcer, logger),
        new DeviceListIntake(database, resync.lists.reader, announcer, () => {
          resync.hint();
        }),
      ),
      announcer,
    );
    const providers = [
      { provide: SendTransactionHandler, useValue: handler },
      { provide: DeviceListResync, useValue: resync },
      { provide: STOP_SWEEPING, useFactory: () => sweepOldTransactions(transactor, logger) },
    ];
    return { module: SendTransactionModule, providers };
  }

  onApplicationBootstrap(): void {
    this.resync.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopSweeping();
    await this.resync.stop();
  }
}
