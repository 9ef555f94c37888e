import { type Database, ReportTransactor } from '@atoll/database';
import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { DATABASE } from '../platform/tokens.js';
import { ReportController } from './report.controller.js';

/** What users report to the administrators, who read it with `ctl reports`. */
@Module({
  imports: [EventsModule],
  controllers: [ReportController],
  providers: [
    {
      provide: ReportTransactor,
      useFactory: (database: Database) => new ReportTransactor(database),
      inject: [DATABASE],
    },
  ],
})
export class ReportsModule {}
