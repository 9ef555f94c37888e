/**
 * Runs something for each item, at most `limit` at once, until the deadline (of `performance.now()`): what runs then is not
 * waited for, and what has not begun does not begin.
 * @throws what a run threw before the deadline
 */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  deadline: number,
  run: (item: Item) => Promise<unknown>,
): Promise<void> {
  const waiting = items.values();
  // Timers may fire a moment before their time.
  let isOver = false;
  const work = async () => {
    for (const item of waiting) {
      if (isOver || performance.now() >= deadline) return;
      await run(item);
    }
  };
  const { promise: timeIsOver, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()), undefined);
  try {
    await Promise.race([
      Promise.all(Array.from({ length: Math.min(limit, items.length) }, work)),
      timeIsOver,
    ]);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
