/** The thread of what is in none. Threads have the numbers of their roots. */
export const MAIN_TIMELINE = 0;

/** What a user has not read of one thread of a room. */
export interface UnreadCount {
  readonly notify: number;
  readonly highlight: number;
  /** Events up to this position are not in it, and need not be looked at again. */
  readonly since: number;
}

/**
 * What an event does to a user's counts. What the user sends into a thread shows that it was read up to there, a join that there is
 * nothing from before it.
 */
export type UnreadEffect = 'none' | 'notifies' | 'highlights' | 'reads-thread' | 'reads-room';

/** One event, as it concerns one user. */
export interface UnreadStep {
  readonly position: number;
  readonly thread: number;
  readonly effect: UnreadEffect;
}

/** Up to which positions a user has read, by receipts: all of a room, and its threads. */
export interface ReadUpTo {
  readonly room: number;
  readonly threads: ReadonlyMap<number, number>;
}

/** What was counted of a room for a user when all events up to a position had been looked at, and what is read by now. */
export interface UnreadStanding {
  readonly counts: ReadonlyMap<number, UnreadCount>;
  readonly countedTo: number;
  readonly read: ReadUpTo;
}

/** The position after which events must be looked at to know the counts at a later one. */
export function lookFrom(standing: UnreadStanding): number {
  const { counts, countedTo, read } = standing;
  const stale = [...counts.keys()].filter((thread) => isStale(standing, thread));
  return Math.min(Math.max(countedTo, read.room), ...stale.map((thread) => readIn(read, thread)));
}

/**
 * The counts after further events, in the order of their positions: all those after {@link lookFrom}, or the newest of them. A thread of
 * which more was read than its count knows is counted again from there; it is missing when nothing is unread.
 */
export function countOn(standing: UnreadStanding, steps: Iterable<UnreadStep>): Map<number, UnreadCount> {
  const { countedTo, read } = standing;
  const counts = new Map([...standing.counts].filter(([thread]) => !isStale(standing, thread)));
  const from = (thread: number) =>
    isStale(standing, thread) ? readIn(read, thread) : Math.max(countedTo, readIn(read, thread));
  for (const { position, thread, effect } of steps) {
    if (effect === 'reads-room') {
      for (const known of [...counts.keys()]) if (position > from(known)) counts.delete(known);
    } else if (position > from(thread)) {
      if (effect === 'reads-thread') counts.delete(thread);
      else if (effect !== 'none') addTo(counts, thread, from(thread), effect);
    }
  }
  return counts;
}

/** What a stretch of events changes in the counts of a user in a room, whatever these are. */
export class UnreadChange {
  /** Nothing counts that was counted before. */
  forgetsRoom = false;
  /** Threads of which nothing counts that was counted before. */
  readonly forgotten = new Set<number>();
  /** What is to be added then; `since` is for threads in which nothing was unread. */
  readonly added = new Map<number, UnreadCount>();

  /** Takes the next event. */
  take({ position, thread, effect }: UnreadStep): void {
    if (effect === 'reads-room') this.forgetRoom();
    else if (effect === 'reads-thread') {
      this.forgotten.add(thread);
      this.added.delete(thread);
    } else if (effect !== 'none') addTo(this.added, thread, position - 1, effect);
  }

  forgetRoom(): void {
    this.forgetsRoom = true;
    this.forgotten.clear();
    this.added.clear();
  }
}

function addTo(
  counts: Map<number, UnreadCount>,
  thread: number,
  since: number,
  effect: 'notifies' | 'highlights',
): void {
  const known = counts.get(thread) ?? { notify: 0, highlight: 0, since };
  const highlight = known.highlight + Number(effect === 'highlights');
  counts.set(thread, { ...known, notify: known.notify + 1, highlight });
}

/** More of the thread was read than its count knows. */
function isStale({ counts, read }: UnreadStanding, thread: number): boolean {
  const count = counts.get(thread);
  return count !== undefined && count.since < readIn(read, thread);
}

function readIn({ room, threads }: ReadUpTo, thread: number): number {
  return Math.max(room, threads.get(thread) ?? 0);
}
