export interface LoopResult {
  readonly done: number;
  readonly seconds: number;
  readonly perSecond: number;
}

/**
 * Keeps `inFlight` calls of `once` under way for `seconds`; what is under way then still finishes and counts.
 * @param once gets the number of the call
 * @throws what `once` throws, after the others have ended
 */
export async function closedLoop(
  inFlight: number,
  seconds: number,
  once: (call: number) => Promise<unknown>,
): Promise<LoopResult> {
  const started = performance.now();
  const end = started + seconds * 1000;
  let calls = 0;
  let stop = false;
  const worker = async () => {
    while (!stop && performance.now() < end) await once(calls++);
  };
  const workers = Array.from({ length: inFlight }, () =>
    worker().catch((error: unknown) => {
      stop = true;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(workers)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  const took = (performance.now() - started) / 1000;
  return { done: calls, seconds: took, perSecond: calls / took };
}

/** Runs `once` for each number below `count`, `inFlight` of them at a time. */
export async function inParallel(
  count: number,
  inFlight: number,
  once: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await once(next++);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker));
}
