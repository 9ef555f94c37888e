const LONGEST = /^atoll_event_loop_delay_seconds\{[^}]*quantile="1"[^}]*\} (\S+)$/m;

/** The longest delay of a process's event loop since this was asked last, in seconds; a scrape begins a new stretch. */
export async function eventLoopDelay(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return Number(LONGEST.exec(text)?.[1] ?? NaN);
}
