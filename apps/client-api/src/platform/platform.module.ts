import {
  AccountDataReader,
  AccountReader,
  AggregationReader,
  type Database,
  DelayedEventReader,
  DeviceReader,
  EventReader,
  FilterReader,
  HistoryReader,
  MembershipJobReader,
  PresenceReader,
  ProfileReader,
  RegistrationTokenReader,
  RelationReader,
  RoomReader,
  ServerNoticeReader,
  StateReader,
  StrippedStateReader,
  AccessTokenResolver,
  ThreadReader,
  ThreadSubscriptionReader,
  TypingReader,
  UiaSessionReader,
  VisibilityReader,
} from '@atoll/database';
import { OwnerDirectory } from '@atoll/leases';
import { Announcer } from '@atoll/redis-streams';
import { RoomClient } from '@atoll/service';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import type { Platform } from './platform.js';
import { TokenSeal } from './token-seal.js';
import { CONFIG, DATABASE, FEDERATION, LOGGER, REDIS } from './tokens.js';

/** Readers hold nothing but the database, so that every feature injects those that it needs. */
const readers = [
  AccountDataReader,
  AccountReader,
  AggregationReader,
  DelayedEventReader,
  DeviceReader,
  EventReader,
  FilterReader,
  HistoryReader,
  MembershipJobReader,
  PresenceReader,
  ProfileReader,
  RegistrationTokenReader,
  RelationReader,
  RoomReader,
  ServerNoticeReader,
  StateReader,
  StrippedStateReader,
  AccessTokenResolver,
  ThreadReader,
  ThreadSubscriptionReader,
  TypingReader,
  UiaSessionReader,
  VisibilityReader,
].map((reader: new (database: Database) => object): Provider => {
  return { provide: reader, useFactory: (database: Database) => new reader(database), inject: [DATABASE] };
});

/** What every feature may inject, without importing anything. */
@Module({})
export class PlatformModule {
  static of(platform: Platform): DynamicModule {
    const providers: Provider[] = [
      { provide: CONFIG, useValue: platform.config },
      { provide: DATABASE, useValue: platform.database },
      { provide: FEDERATION, useValue: platform.federation },
      { provide: LOGGER, useValue: platform.logger },
      { provide: REDIS, useValue: platform.redis },
      { provide: RoomClient, useValue: platform.rooms },
      { provide: OwnerDirectory, useValue: platform.owners },
      { provide: Announcer, useValue: platform.announcer },
      { provide: TokenSeal, useValue: platform.seal },
      ...readers,
    ];
    return { module: PlatformModule, global: true, providers, exports: providers };
  }
}
