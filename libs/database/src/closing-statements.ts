import { type OperationNodeSource, type RawBuilder, sql } from 'kysely';
import { type Lane, lastPosition, takeLane } from './lanes.js';
import { literalQuery } from './literal-query.js';
import { type Fence, fenceStatement } from './partition/fence-partitions.js';
import { STREAMS } from './stream-registry.js';

/** Positions that a transaction takes in one lane as it commits. */
export class TakenPositions {
  #first: number | undefined;

  constructor(
    readonly lane: Lane,
    readonly count: number,
  ) {}

  /** SQL of the `index`-th position, for the closing statements. */
  sql(index: number): RawBuilder<number> {
    return sql`(${sql.raw(lastPosition(this.lane))} - ${sql.lit(this.count - 1 - index)})`;
  }

  /** The `index`-th position. Known once the transaction is committed. */
  at(index: number): number {
    if (this.#first === undefined)
      throw new Error(`the positions in ${this.lane} are not known before the commit`);
    return this.#first + index;
  }

  /** Reads the answer of the lane's statement. */
  learn([row]: readonly unknown[]): void {
    this.#first = (row as { first: number }).first;
  }
}

/**
 * The end of a transaction, gathered while it runs and sent to the server in one message with COMMIT: fences first, so that nothing
 * waits for them with a lane in hand; then the lanes, in the order of their keys; then the thin statements.
 */
export class ClosingStatements {
  readonly #fences: string[] = [];
  readonly #taken: TakenPositions[] = [];
  readonly #queries: OperationNodeSource[] = [];

  /** Refuses the commit with `NotOwnerError` unless all the partitions are owned at these epochs. */
  fence(kind: string, instance: string, fences: readonly Fence[]): void {
    if (fences.length > 0) this.#fences.push(fenceStatement(kind, instance, fences));
  }

  /** Takes `count` consecutive positions; once per lane and transaction. */
  take(lane: Lane, count: number): TakenPositions {
    if (this.#taken.some((taken) => taken.lane === lane)) throw new Error(`the lane ${lane} is taken once`);
    const taken = new TakenPositions(lane, count);
    this.#taken.push(taken);
    this.#taken.sort((a, b) => STREAMS[a.lane].lane.key - STREAMS[b.lane].lane.key);
    return taken;
  }

  /** Adds a thin insert, update or delete. Its values become literals: see `literalQuery` for those allowed. */
  add(query: OperationNodeSource): void {
    this.#queries.push(query);
  }

  /** All of it but COMMIT. */
  toStatements(): string[] {
    const lanes = this.#taken.map(({ lane, count }) => takeLane(lane, count));
    return [...this.#fences, ...lanes, ...this.#queries.map(literalQuery)];
  }

  /** Reads the answers of {@link toStatements}, statement by statement. */
  readAnswers(answers: readonly (readonly unknown[])[]): void {
    this.#taken.forEach((taken, index) => {
      taken.learn(answers[this.#fences.length + index] ?? []);
    });
  }
}
