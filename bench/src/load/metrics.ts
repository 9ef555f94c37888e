/** The sum over all labels of one sample of a process's `/metrics`, such as `atoll_commit_batch_events_sum`. */
export async function scrape(metricsUrl: string, sample: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const values = text.matchAll(new RegExp(`^${sample}(?:\\{.*\\})? (\\S+)`, 'gm'));
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}
