import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where and when figures were taken. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute, before the benchmark: what else the machine does. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    processor: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  };
}
