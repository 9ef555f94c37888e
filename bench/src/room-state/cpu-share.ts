import { busyShare, machineTime } from '../measure/processes.js';

/** Microseconds of processor time for one event, by program, and how much of the machine was in use. */
export interface CpuShare {
  readonly perEvent: Readonly<Record<string, number>>;
  /** 0 to 1 */
  readonly machine: number;
}

/**
 * Begins to count; the returned function ends it.
 * @param programs what each has used so far, in seconds
 */
export function countCpu(programs: Readonly<Record<string, () => number>>): (events: number) => CpuShare {
  const used = () => Object.entries(programs).map(([name, seconds]) => [name, seconds()] as const);
  const machineBefore = machineTime();
  const before = new Map(used());
  return (events) => {
    const perEvent = used().map(
      ([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) / events) * 1e6] as const,
    );
    return { perEvent: Object.fromEntries(perEvent), machine: busyShare(machineBefore) };
  };
}
