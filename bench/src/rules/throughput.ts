/** Calls a synchronous function over and over for some seconds; says how often it ran in a second. */
export function callsPerSecond(seconds: number, call: (index: number) => unknown): number {
  const started = performance.now();
  const end = started + seconds * 1000;
  let calls = 0;
  while (performance.now() < end) {
    // So that the clock does not weigh on what takes a microsecond.
    for (let index = 0; index < 50; index += 1) call(calls + index);
    calls += 50;
  }
  return calls / ((performance.now() - started) / 1000);
}

/** Milliseconds that one call takes. */
export function milliseconds(call: () => unknown): number {
  const started = performance.now();
  call();
  return performance.now() - started;
}
