import type { StreamChange, StreamName, StreamPositions } from '@atoll/database';
import { STREAM_NAMES } from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { DeadlineWheel } from './deadline-wheel.js';
import { RecentChanges } from './recent-changes.js';
import type { Wait, WaitOutcome, Waiter } from './waiter.js';
import { WaiterIndex } from './waiter-index.js';

/** The syncs of this process that wait for news. No query and no timer of their own. */
@Injectable()
export class WaitingSyncs {
  private readonly index = new WaiterIndex();
  private readonly wheel = new DeadlineWheel<Waiter>((waiter) => {
    this.end(waiter, 'expired');
  });
  private readonly recent = new Map<StreamName, RecentChanges>();
  private told: Record<StreamName, number> | undefined;
  private isEnded = false;
  private count = 0;

  /** Before anybody waits. `positions`: from which on {@link tell} tells of every change. */
  open(positions: StreamPositions): void {
    for (const name of STREAM_NAMES) this.recent.set(name, new RecentChanges(positions[name]));
    this.told = { ...positions };
  }

  /** How far each stream is known to be visible: as far as was told of, or as the caller has seen by itself. */
  visible(seen: StreamPositions): StreamPositions {
    const { told } = this;
    if (told === undefined) return seen;
    return Object.fromEntries(
      STREAM_NAMES.map((name) => [name, Math.max(told[name], seen[name])]),
    ) as unknown as StreamPositions;
  }

  /** What changed in a stream after `from` up to `to`; undefined where this process does not know all of it. */
  changesBetween(stream: StreamName, from: number, to: number): readonly StreamChange[] | undefined {
    return this.recent.get(stream)?.between(from, to);
  }

  get size(): number {
    return this.count;
  }

  /** Waits until something happens after the positions that were looked at, even if it has happened since. */
  wait(waiter: Waiter, { rooms, positions, deadline, onlyPeople = false }: Wait): Promise<WaitOutcome> {
    if (this.isEnded || waiter.isClosed) return Promise.resolve('ended');
    waiter.rooms = rooms;
    waiter.onlyPeople = onlyPeople;
    waiter.positions = positions;
    if (STREAM_NAMES.some((name) => this.recent.get(name)?.mayConcern(waiter, positions[name]))) {
      return Promise.resolve('woken');
    }
    this.count++;
    this.index.add(waiter);
    waiter.tick = this.wheel.add(waiter, deadline);
    return waiter.begin();
  }

  /** Wakes those whom the changes concern. */
  tell(stream: StreamName, changes: readonly StreamChange[]): void {
    this.recent.get(stream)?.add(changes);
    const last = changes.at(-1);
    if (last && this.told) this.told[stream] = last.position;
    for (const waiter of this.index.concerned(stream, changes)) this.end(waiter, 'woken');
  }

  /** The client has gone away. */
  close(waiter: Waiter): void {
    waiter.isClosed = true;
    this.end(waiter, 'ended');
  }

  /** From now on nobody waits: this process stops. */
  endAll(): void {
    this.isEnded = true;
    for (const waiter of [...this.index.all()]) this.end(waiter, 'ended');
  }

  private end(waiter: Waiter, outcome: WaitOutcome): void {
    if (!waiter.isWaiting) return;
    this.count--;
    this.index.remove(waiter);
    this.wheel.remove(waiter, waiter.tick);
    waiter.rooms = [];
    waiter.settle(outcome);
  }
}
