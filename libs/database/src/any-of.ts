import { type RawBuilder, sql } from 'kysely';

/** `= anyOf(values)`: one array parameter, so that the statement is the same for any number of values (none matches nothing). */
export function anyOf<T>(values: readonly T[]): RawBuilder<T> {
  return sql<T>`any(${values})`;
}

/** `!= allOf(values)`: true for what is not among the values. */
export function allOf<T>(values: readonly T[]): RawBuilder<T> {
  return sql<T>`all(${values})`;
}
