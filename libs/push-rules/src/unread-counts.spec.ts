import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  countOn,
  lookFrom,
  MAIN_TIMELINE,
  type ReadUpTo,
  UnreadChange,
  type UnreadCount,
  type UnreadEffect,
  type UnreadStep,
} from './unread-counts.js';

const THREADS = [MAIN_TIMELINE, 7, 8];
const EFFECTS: UnreadEffect[] = ['none', 'notifies', 'notifies', 'highlights', 'reads-thread', 'reads-room'];

interface Receipt {
  readonly thread: number | undefined;
  readonly position: number;
}
type Action =
  | { readonly kind: 'event'; readonly thread: number; readonly effect: UnreadEffect }
  | { readonly kind: 'receipt'; readonly thread: number | undefined; readonly back: number }
  | { readonly kind: 'count'; readonly limit: number }
  | { readonly kind: 'apply' };

const thread = fc.constantFrom(...THREADS);
const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('event' as const),
        thread,
        effect: fc.constantFrom(...EFFECTS),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('receipt' as const),
        thread: fc.option(thread, { nil: undefined }),
        back: fc.nat(5),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('count' as const), limit: fc.integer({ min: 1, max: 6 }) }),
    },
    fc.record({ kind: fc.constant('apply' as const) }),
  ),
  { maxLength: 80 },
);

/** A room and one user of it: what happened, and what the counting side has made of it. */
class Model {
  readonly steps: UnreadStep[] = [];
  readonly receipts: Receipt[] = [];
  stored = new Map<number, UnreadCount>();
  countedTo = 0;

  read(): ReadUpTo {
    const of = (wanted: number | undefined) =>
      Math.max(0, ...this.receipts.filter((one) => one.thread === wanted).map(({ position }) => position));
    return { room: of(undefined), threads: new Map(THREADS.map((each) => [each, of(each)])) };
  }

  /** As the counting side does: events first, then what was read of those. */
  count(limit: number): void {
    const batch = this.steps.filter(({ position }) => position > this.countedTo).slice(0, limit);
    const change = new UnreadChange();
    for (const step of batch) change.take(step);
    if (change.forgetsRoom) this.stored.clear();
    for (const each of change.forgotten) this.stored.delete(each);
    for (const [each, { notify, highlight, since }] of change.added) {
      const known = this.stored.get(each) ?? { notify: 0, highlight: 0, since };
      this.stored.set(each, {
        ...known,
        notify: known.notify + notify,
        highlight: known.highlight + highlight,
      });
    }
    this.countedTo = batch.at(-1)?.position ?? this.countedTo;
  }

  counts(upTo = Infinity): Map<number, UnreadCount> {
    const standing = { counts: this.stored, countedTo: this.countedTo, read: this.read() };
    const from = lookFrom(standing);
    return countOn(
      standing,
      this.steps.filter(({ position }) => position > from && position <= upTo),
    );
  }

  fromScratch(): Map<number, [number, number]> {
    const { room, threads } = this.read();
    const counts = THREADS.map((each): [number, [number, number]] => {
      const own = this.steps.findLast(
        ({ effect, thread: of }) => effect === 'reads-room' || (effect === 'reads-thread' && of === each),
      );
      const from = Math.max(room, threads.get(each) ?? 0, own?.position ?? 0);
      const unread = this.steps.filter(
        (step) =>
          step.thread === each && step.position > from && ['notifies', 'highlights'].includes(step.effect),
      );
      return [each, [unread.length, unread.filter(({ effect }) => effect === 'highlights').length]];
    });
    return new Map(counts.filter(([, [notify]]) => notify > 0));
  }
}

const numbers = (counts: ReadonlyMap<number, UnreadCount>) =>
  new Map([...counts].map(([each, { notify, highlight }]) => [each, [notify, highlight]]));

describe('unread counts', () => {
  it('are the same in any order of batches and receipts as counted from scratch, at any time', () => {
    fc.assert(
      fc.property(actions, (all) => {
        const model = new Model();
        for (const action of all) {
          // Positions of other rooms lie between.
          const last = model.steps.at(-1)?.position ?? 0;
          if (action.kind === 'event') model.steps.push({ ...action, position: last + 2 });
          else if (action.kind === 'receipt')
            model.receipts.push({ thread: action.thread, position: Math.max(0, last - 2 * action.back) });
          else if (action.kind === 'count') model.count(action.limit);
          else model.stored = model.counts(model.countedTo);
          expect(numbers(model.counts())).toEqual(model.fromScratch());
        }
      }),
      { numRuns: 500 },
    );
  });

  it('look at nothing again as long as nothing more was read', () => {
    const counts = new Map([[MAIN_TIMELINE, { notify: 3, highlight: 1, since: 10 }]]);
    const read = { room: 10, threads: new Map() };
    expect(lookFrom({ counts, countedTo: 20, read })).toBe(20);
    expect(lookFrom({ counts, countedTo: 20, read: { ...read, room: 15 } })).toBe(15);
    expect(lookFrom({ counts, countedTo: 20, read: { ...read, room: 25 } })).toBe(25);
    expect(lookFrom({ counts, countedTo: 20, read: { ...read, threads: new Map([[7, 15]]) } })).toBe(20);
  });
});
