import { ReportReader } from '@atoll/database';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

const NEWEST = 1_000;

/** Lists what users have reported, the newest first. */
export async function listReports(): Promise<void> {
  await withDatabase(async (database) => {
    const reports = await new ReportReader(database).newest(NEWEST);
    if (reports.length === 0) {
      print('no reports');
      return;
    }
    const rows = reports.map(({ receivedTs, reporter, userId, roomId, eventId, reason }) => [
      new Date(receivedTs).toISOString(),
      reporter,
      userId ?? [roomId, eventId].filter((id) => id !== null).join(' '),
      // What somebody wrote must not draw on the operator's terminal.
      JSON.stringify(reason),
    ]);
    printTable(['AT', 'BY', 'OF', 'REASON'], rows);
  });
}
