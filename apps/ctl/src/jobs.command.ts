import {
  assertSchemaIsCurrent,
  type Database,
  type RoomJob,
  RoomIsBusy,
  RoomJobReader,
  RoomJobRequestTransactor,
} from '@atoll/database';
import { CommandFailed } from './command-failed.js';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

const NEWEST = 100;

/** Lists what is being done with rooms, and what was. */
export async function listJobs(): Promise<void> {
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    const jobs = await new RoomJobReader(database).newest(NEWEST);
    const rows = jobs.map(({ jobId, kind, roomId, status, phase, createdTs }) => [
      String(jobId),
      kind,
      roomId,
      status,
      phase ?? '-',
      time(createdTs),
    ]);
    if (rows.length === 0) print('no jobs');
    else printTable(['JOB', 'KIND', 'ROOM', 'STATUS', 'PHASE', 'ASKED FOR AT'], rows);
  });
}

/** @throws CommandFailed when there is no such job */
export async function showJob(id: string): Promise<void> {
  await withJob(id, (_, job) => {
    printTable(
      ['JOB', String(job.jobId)],
      [
        ['kind', job.kind],
        ['room', job.roomId],
        ...Object.entries(job.arguments).map(([name, value]) => [name, String(value)]),
        ['status', job.status],
        ['phase', job.phase ?? '-'],
        ['members who left', String(job.membersLeft)],
        ['events purged', String(job.eventsPurged)],
        ['rows purged', String(job.rowsPurged)],
        ['asked for at', time(job.createdTs)],
        ['last step at', time(job.updatedTs)],
        ['next step', job.finishedTs === null ? time(job.nextTryTs) : '-'],
        ['finished at', time(job.finishedTs)],
        ['failed attempts', String(job.attempts)],
        ['error', job.error ?? '-'],
      ],
    );
    return Promise.resolve();
  });
}

/** @throws CommandFailed when it has not failed, or another job of the room is under way */
export async function retryJob(id: string): Promise<void> {
  await withJob(id, async (database, job) => {
    try {
      if (!(await new RoomJobRequestTransactor(database).retry(job)))
        throw new CommandFailed(`job ${id} has not failed`);
    } catch (error) {
      if (error instanceof RoomIsBusy) throw new CommandFailed(error.message);
      throw error;
    }
    print(`job ${id} goes on within a second`);
  });
}

/** @throws CommandFailed when it has ended, or is a deletion that has begun to delete rows */
export async function cancelJob(id: string): Promise<void> {
  await withJob(id, async (database, job) => {
    if (!(await new RoomJobRequestTransactor(database).cancel(job.jobId)))
      throw new CommandFailed(`job ${id} has ended, or has begun to delete the room's rows`);
    print(`job ${id} is cancelled; what it has done stays done`);
  });
}

async function withJob(id: string, work: (database: Database, job: RoomJob) => Promise<void>): Promise<void> {
  if (!/^\d{1,15}$/.test(id)) throw new CommandFailed(`${id} is no number of a job`);
  await withDatabase(async (database) => {
    await assertSchemaIsCurrent(database.db);
    const job = await new RoomJobReader(database).byId(Number(id));
    if (!job) throw new CommandFailed(`there is no job ${id}`);
    await work(database, job);
  });
}

function time(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString();
}
