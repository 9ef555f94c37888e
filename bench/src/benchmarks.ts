import type { Benchmark } from './benchmark.js';
import { encryption } from './encryption/encryption.benchmark.js';
import { federationCatchUp } from './federation/federation-catch-up.benchmark.js';
import { federationIn } from './federation/federation-in.benchmark.js';
import { federationJoin } from './federation/federation-join.benchmark.js';
import { federationOut } from './federation/federation-out.benchmark.js';
import { firstSync } from './first-sync/first-sync.benchmark.js';
import { history } from './history/history.benchmark.js';
import { inserts } from './inserts/inserts.benchmark.js';
import { latency } from './latency/latency.benchmark.js';
import { memory } from './memory/memory.benchmark.js';
import { roomState } from './room-state/room-state.benchmark.js';
import { rules } from './rules/rules.benchmark.js';
import { slidingSync } from './sliding-sync/sliding-sync.benchmark.js';
import { storage } from './storage/storage.benchmark.js';
import { syncIdle } from './sync-idle/sync-idle.benchmark.js';
import { syncLoad } from './sync-load/sync-load.benchmark.js';
import { telemetry } from './telemetry/telemetry.benchmark.js';
import { transport } from './transport/transport.benchmark.js';

/** All benchmarks, in the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  inserts,
  roomState,
  latency,
  rules,
  telemetry,
  memory,
  storage,
  transport,
  syncIdle,
  syncLoad,
  firstSync,
  slidingSync,
  encryption,
  history,
  federationIn,
  federationOut,
  federationJoin,
  federationCatchUp,
];
