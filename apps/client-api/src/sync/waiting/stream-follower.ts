import {
  currentPositions,
  type Database,
  STREAM_NAMES,
  type StreamChange,
  type StreamName,
  type StreamPositions,
  STREAMS,
} from '@atoll/database';
import { StreamChangesReader } from '@atoll/database';
import { AnnouncementReader, type RedisConnection } from '@atoll/redis-streams';
import { type Logger, logError } from '@atoll/telemetry';

const REPAIR_MS = 1000;
const BATCH = 2000;
/** Positions read at once of the streams that tell each change in every room of its user: these can be thousands. */
const BATCH_IN_ROOMS = 100;

export interface StreamFollowerOptions {
  readonly database: Database;
  readonly redis: RedisConnection;
  readonly logger: Logger;
  /** Of this process, for its connection to Redis. */
  readonly name: string;
  /** Called with every change after {@link StreamFollower.start}, in order, and once unless it throws. */
  readonly onChanges: (stream: StreamName, changes: readonly StreamChange[]) => void;
}

/**
 * Follows every durable stream: announcements say that there is something to read, PostgreSQL says what. A look each second
 * repairs whatever Redis lost. One read is in flight; hints during a read lead to one more.
 */
export class StreamFollower {
  private readonly changes: StreamChangesReader;
  private readonly announcements: AnnouncementReader;
  private positions: Record<StreamName, number> | undefined;
  private reading: Promise<void> | undefined;
  private isHinted = false;
  private isStopped = false;
  private isFailing = false;
  private repair: NodeJS.Timeout | undefined;

  constructor(private readonly options: StreamFollowerOptions) {
    this.changes = new StreamChangesReader(options.database);
    this.announcements = new AnnouncementReader(options.redis, options.name, () => {
      this.hint();
    });
    for (const name of STREAM_NAMES) {
      this.announcements.on(STREAMS[name].announcement, () => {
        this.hint();
      });
    }
  }

  /** @returns the positions behind which it follows */
  async start(): Promise<StreamPositions> {
    const positions = await currentPositions(this.options.database.db);
    this.positions = { ...positions };
    this.announcements.start();
    this.repair = setInterval(() => {
      this.hint();
    }, REPAIR_MS);
    return positions;
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.repair);
    await this.announcements.stop();
    await this.reading;
  }

  private hint(): void {
    this.isHinted = true;
    this.reading ??= this.readOn();
  }

  private async readOn(): Promise<void> {
    while (this.isHinted && !this.isStopped) {
      this.isHinted = false;
      try {
        await Promise.all(STREAM_NAMES.map((name) => this.readStream(name)));
        this.isFailing = false;
      } catch (error) {
        // The look of the next second tries again; an outage gives one line.
        if (!this.isFailing) logError(this.options.logger, error, 'Cannot follow the streams');
        this.isFailing = true;
      }
    }
    // In the same turn as the last look at `isHinted`, so that no hint falls in between.
    this.reading = undefined;
  }

  private async readStream(name: StreamName): Promise<void> {
    if (this.positions === undefined) return;
    const limit = name === 'presence' || name === 'device_lists' ? BATCH_IN_ROOMS : BATCH;
    const changes = await this.changes.after(name, this.positions[name], limit);
    const last = changes.at(-1);
    if (last === undefined) return;
    if (changes.length >= limit) this.isHinted = true;
    this.options.onChanges(name, changes);
    // What could not be told is told again.
    this.positions[name] = last.position;
  }
}
