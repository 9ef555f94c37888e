import { below, type Benchmark } from '../benchmark.js';
import { RoomLoad } from '../load/room-load.js';
import { inParallel } from '../measure/closed-loop.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { growth, jsonBytes, tableSizes } from './table-sizes.js';

const ROOMS = 100;
const IN_FLIGHT = 128;
/** Of what people write; they differ in length so that the mean is about 100 characters. */
const TEXT = 'Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy. '.repeat(3);

/** Bytes in PostgreSQL, all tables and indexes counted, against the bytes of the events' JSON. */
export const storage: Benchmark = {
  name: 'storage',
  title: 'bytes of all tables and indexes per event and per state change',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const { cluster } = await startServices(bench, postgres, 'atoll', { 'room-state': 1 });
    const load = await RoomLoad.connect(bench, cluster);
    const [messages, changes] = bench.pick([50_000, 5_000], [3_000, 500]);
    const rooms = await load.createRooms(ROOMS);
    const { database } = load;

    const start = await tableSizes(database);
    await inParallel(messages, IN_FLIGHT, async (index) => {
      const room = rooms[index % ROOMS];
      if (room) await load.message(room, TEXT.slice(0, (index * 37) % 200));
    });
    const afterMessages = await tableSizes(database);
    const messageJson = await jsonBytes(database, 'message');

    const stateBefore = await jsonBytes(database, 'state');
    await inParallel(changes, IN_FLIGHT, async (index) => {
      const room = rooms[index % ROOMS];
      // Half of them give a key its first value, half supersede one.
      const key = `key${Math.floor(index / ROOMS / 2)}`;
      if (room) await load.state(room, 'org.example.state', key, { text: TEXT.slice(0, 60), index });
    });
    const afterChanges = await tableSizes(database);
    const stateJson = (await jsonBytes(database, 'state')) - stateBefore;

    const forMessages = growth(start, afterMessages);
    const forChanges = growth(afterMessages, afterChanges);
    const everything = forMessages.total + forChanges.total;
    for (const [kind, { byTable }, count] of [
      ['message', forMessages, messages],
      ['state change', forChanges, changes],
    ] as const) {
      const parts = byTable.map(([table, bytes]) => `${table} ${Math.round(bytes / count)}`);
      bench.remark(`Bytes per ${kind} by table, with its indexes: ${parts.join(', ')}.`);
    }
    bench.remark(`${messages} messages and ${changes} state changes in ${ROOMS} rooms, sizes after VACUUM.`);
    const one = (what: string, unit: string, value: number) => ({ what, unit, passes: [value] });
    return [
      one('per message', 'bytes', forMessages.total / messages),
      one('JSON of a message', 'bytes', messageJson / messages),
      { ...one('messages: stored / JSON', '', forMessages.total / messageJson), goal: below(2.5, '< 2.5') },
      one('per state change', 'bytes', forChanges.total / changes),
      one('JSON of a state event', 'bytes', stateJson / changes),
      { ...one('state changes: stored / JSON', '', forChanges.total / stateJson), goal: below(2.5, '< 2.5') },
      {
        ...one('together: stored / JSON', '', everything / (messageJson + stateJson)),
        goal: below(2.5, '< 2.5'),
      },
    ];
  },
};
