import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'hdr-histogram-js';
import type { LoadUser } from '../load/load-user.js';
import type { Reader } from '../load/reader.js';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** In ms. */
export interface Latency {
  /** The receiver's sync has arrived. */
  readonly visible: Percentiles;
  /** The sender's request is answered. */
  readonly answered: Percentiles;
}

let messages = 0;

/** Sends messages one by one and waits for each to arrive. */
export async function sampleLatency(
  { sender, roomId, reader }: { sender: LoadUser; roomId: string; reader: Reader },
  samples: number,
): Promise<Latency> {
  const [visible, answered] = [microseconds(), microseconds()];
  for (let index = 0; index < samples; index += 1) {
    // The receiver's next request is on its way by then, and no rhythm of timers is met.
    await sleep(10 + Math.random() * 30);
    const text = `sample ${(messages += 1)}`;
    const seen = reader.sees(text);
    const started = performance.now();
    const answer = sender.send(roomId, text).then(() => performance.now());
    visible.recordValue(Math.round(((await seen) - started) * 1000));
    answered.recordValue(Math.round(((await answer) - started) * 1000));
  }
  return { visible: percentiles(visible), answered: percentiles(answered) };
}

export const microseconds = () => build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });

/** @param histogram of µs @returns ms */
export function percentiles(histogram: ReturnType<typeof microseconds>): Percentiles {
  return { p50: histogram.getValueAtPercentile(50) / 1000, p99: histogram.getValueAtPercentile(99) / 1000 };
}
