import { residentMB } from '../measure/processes.js';

const LOOK_MS = 100;

/** Watches the memory of a process until it is stopped. */
export function watchMemory(pid: number): {
  readonly before: number;
  stop(): { highest: number; after: number };
} {
  const before = residentMB(pid);
  let highest = before;
  const look = (): number => {
    const now = residentMB(pid);
    highest = Math.max(highest, now);
    return now;
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    before,
    stop() {
      clearInterval(timer);
      return { after: look(), highest };
    },
  };
}
