/** Something to measure; `warmUp` says that the result does not count. */
export type Variant<Result> = (warmUp: boolean) => Promise<Result>;

/**
 * Measures variants in turn, after one warm-up of each. Every second pass goes through them the other way round, so
 * that a machine that gets slower or faster favours none.
 * @returns for each variant its results in the order of the passes
 */
export async function alternate<Name extends string, Result>(
  passes: number,
  variants: Readonly<Record<Name, Variant<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(variants) as Name[];
  for (const name of names) await variants[name](true);
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
  for (let pass = 0; pass < passes; pass += 1) {
    for (const name of pass % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await variants[name](false));
    }
  }
  return results;
}
