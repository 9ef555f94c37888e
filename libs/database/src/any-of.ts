import { type RawBuilder, sql } from 'kysely';

type ArrayType = 'bigint' | 'text';

/**
 * `= anyOf(values)`: one array parameter, so that the statement is the same for any number of values (none matches nothing). With
 * its type the array is an {@link opaqueArray}.
 */
export function anyOf<T>(values: readonly T[], type?: ArrayType): RawBuilder<T> {
  if (type === undefined) return sql<T>`any(${values})`;
  // Without the cast it would be compared with the rows of the query instead of the elements of its array.
  return sql<T>`any(${opaqueArray(values, type)}::${sql.raw(type)}[])`;
}

/** `!= allOf(values)`: true for what is not among the values. */
export function allOf<T>(values: readonly T[]): RawBuilder<T> {
  return sql<T>`all(${values})`;
}

/** A number that the planner does not look at: see {@link opaqueArray}. */
export function opaqueNumber(value: number): RawBuilder<number> {
  return sql<number>`(SELECT ${value}::bigint)`;
}

/**
 * An array whose length the planner does not look at: it takes every array to have ten elements. So a plan for any parameters is as good as
 * one for these, and a prepared statement that is sent again and again is planned no more. For statements that read the rows of each
 * element through an index, however many there are: in `unnest(…)` or {@link anyOf}.
 */
export function opaqueArray<T>(values: readonly T[], type: ArrayType): RawBuilder<readonly T[]> {
  return sql<readonly T[]>`(SELECT ${values}::${sql.raw(type)}[])`;
}
