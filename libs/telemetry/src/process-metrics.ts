import { monitorEventLoopDelay } from 'node:perf_hooks';
import { observableCounter, observableGauge } from './metrics.js';

const RESOLUTION_MS = 10;
const NS_PER_S = 1e9;

/** Starts the metrics of this process: event-loop delay, memory, processor time. Call it once. */
export function observeProcess(): void {
  observeEventLoopDelay();
  observableGauge('atoll_process_resident_memory_bytes', 'Memory of the process', (result) => {
    result.observe(process.memoryUsage.rss());
  });
  observableGauge('atoll_process_heap_used_bytes', 'JavaScript heap in use', (result) => {
    result.observe(process.memoryUsage().heapUsed);
  });
  observableCounter('atoll_process_cpu_seconds_total', 'Processor time, user and system', (result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / 1e6);
  });
}

function observeEventLoopDelay(): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  observableGauge(
    'atoll_event_loop_delay_seconds',
    'Delay of the event loop since the last scrape',
    (result) => {
      const seconds = (ns: number) => Math.max(0, ns / NS_PER_S - RESOLUTION_MS / 1e3);
      if (delay.count > 0) {
        result.observe(seconds(delay.percentile(50)), { quantile: '0.5' });
        result.observe(seconds(delay.percentile(99)), { quantile: '0.99' });
        result.observe(seconds(delay.max), { quantile: '1' });
      }
      delay.reset();
    },
  );
}
