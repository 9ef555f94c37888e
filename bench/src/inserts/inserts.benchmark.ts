import type { Benchmark, Figure } from '../benchmark.js';
import { alternate } from '../measure/alternate.js';
import { startDurablePostgres } from '../servers/servers.js';
import { BareInserts } from './bare-inserts.js';

const VARIANTS = [
  { writers: 1, batch: 20 },
  { writers: 1, batch: 100 },
  { writers: 1, batch: 250 },
  { writers: 2, batch: 100 },
  { writers: 2, batch: 250 },
];

/** The bare limit, to which the figures of room-state relate. */
export const inserts: Benchmark = {
  name: 'inserts',
  title: 'bare batched inserts of the rows of message events, without Atoll',
  async run(bench) {
    const bare = await BareInserts.open(await startDurablePostgres(bench));
    const seconds = bench.pick(5, 0.7);
    const measured = await alternate(
      bench.pick(5, 2),
      Object.fromEntries(
        VARIANTS.map(({ writers, batch }) => [
          `batches of ${batch}, ${writers} ${writers === 1 ? 'writer' : 'writers'}`,
          () => bare.run({ writers, batch, rooms: 500, jsonBytes: 1000, seconds }),
        ]),
      ),
    );
    bench.remark(
      'Each event: a row in events (1,000 bytes of JSON), event_positions, event_transactions, room_heads.',
    );
    return Object.entries(measured).map(([what, passes]): Figure => ({ what, unit: 'events/s', passes }));
  },
};
