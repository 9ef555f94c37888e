import type { Config } from '@atoll/config';
import { type KnownPresence, type Presence, PresenceReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, LOGGER } from '../platform/tokens.js';
import { moved } from './presence-changes.js';
import { PresenceMemory, SYNC_LASTS_MS, type SyncAges } from './presence-memory.js';
import { PresenceWriter } from './presence-writer.js';

const EVERY_MS = 5_000;
/** By when every process has told Redis again of those who sync. */
const MEMORY_IS_WHOLE_AFTER_MS = 40_000;
/** @see https://spec.matrix.org/v1.19/client-server-api/#idle-timeout */
const IDLE_AFTER_MS = 5 * 60_000;
/** Servers send presence again before that, or their users are gone with them. */
const REMOTE_LASTS_MS = 30 * 60_000;
const PAGE = 500;

/** Finds those who have stopped to sync, or to do anything. One process at a time. */
@Injectable()
export class PresenceSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly turns: RepeatedWork;
  private isStopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) logger: Logger,
    private readonly memory: PresenceMemory,
    private readonly reader: PresenceReader,
    private readonly writer: PresenceWriter,
  ) {
    const failure = 'The sweep of presence failed';
    this.turns = new RepeatedWork({ everyMs: EVERY_MS, work: () => this.takeTurn(), logger, failure });
  }

  onApplicationBootstrap(): void {
    if (this.config.presence) this.turns.start();
  }

  onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    return this.turns.stop();
  }

  private async takeTurn(): Promise<void> {
    // It ends before the next look of this process, which would else sweep every other time only.
    if (await this.memory.takeSweep(EVERY_MS * 0.9)) await this.sweep();
  }

  /**
   * 1. Users of this server: see {@link presenceAfterSweep}. Nobody is changed of whom something was heard since the look.
   * 2. What Redis need not remember any more.
   * 3. Users of other servers.
   */
  async sweep(now = Date.now(), wholeForMs = MEMORY_IS_WHOLE_AFTER_MS): Promise<void> {
    for await (const page of this.pages({ isLocal: true })) {
      const ages = await this.memory.ages(
        page.map(({ userId }) => userId),
        wholeForMs,
      );
      if (ages === undefined) break;
      await this.settle(page, true, (row, i) => {
        const age = ages[i];
        return age && presenceAfterSweep(row, age, now);
      });
    }
    await this.memory.forget(2 * SYNC_LASTS_MS);
    for await (const page of this.pages({ isLocal: false, heardBefore: now - REMOTE_LASTS_MS })) {
      await this.settle(page, false, () => 'offline');
    }
  }

  private async *pages(query: { isLocal: boolean; heardBefore?: number }): AsyncIterable<KnownPresence[]> {
    let after: UserId | '' = '';
    while (!this.isStopped) {
      const page: KnownPresence[] = await this.reader.notOffline({ ...query, after }, PAGE);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.userId ?? '';
    }
  }

  private async settle(
    page: readonly KnownPresence[],
    isLocal: boolean,
    decide: (row: KnownPresence, index: number) => Presence | undefined,
  ): Promise<void> {
    const decided = new Map(
      page.flatMap((row, i) => {
        const presence = decide(row, i);
        return presence === undefined || presence === row.presence ? [] : [[row.userId, { row, presence }]];
      }),
    );
    if (decided.size === 0) return;
    await this.writer.change(
      [...decided.keys()],
      (before) => {
        const found = decided.get(before.userId);
        const isAsSeen = found?.row.updatedTs === before.updatedTs && found.row.presence === before.presence;
        return isAsSeen ? moved(before, found.presence) : undefined;
      },
      { isLocal },
    );
  }
}

/**
 * Who has no device that synced of late is offline, and idle with nothing but idle devices; whoever set a presence or did something just
 * now stays as they are. Whoever did nothing for long is idle, though devices sync.
 */
export function presenceAfterSweep(
  { presence, lastActiveTs, updatedTs }: KnownPresence,
  { online, unavailable }: SyncAges,
  now: number,
): Presence {
  const isQuiet = now - Math.max(lastActiveTs, updatedTs) > SYNC_LASTS_MS;
  if (isQuiet && online > SYNC_LASTS_MS) return unavailable > SYNC_LASTS_MS ? 'offline' : 'unavailable';
  return presence === 'online' && now - lastActiveTs > IDLE_AFTER_MS ? 'unavailable' : presence;
}
