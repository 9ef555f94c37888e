import { DestinationReachable } from '@atoll/contract';
import { clearBackOff } from '@atoll/database';
import type { ServerName, UserId } from '@atoll/matrix';
import { pdusIn, type RemoteServer } from '@atoll/testing';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from '../benchmark.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';
import { startPeers, trusting } from './peers.js';
import { WrittenRooms } from './written-rooms.js';

const POLL_MS = 10;
const PATIENCE_MS = 40_000;

/** A server that was away comes back and is owed much. */
export const federationCatchUp: Benchmark = {
  name: 'federation-catch-up',
  title: 'what a server is sent that was away for long',
  async run(bench) {
    const postgres = await startDurablePostgres(bench);
    const [peer] = await startPeers(bench, 1);
    if (!peer) throw new Error('there is no peer');
    const { cluster } = await startServices(
      bench,
      postgres,
      'atoll',
      { 'federation-sender': 1 },
      trusting([peer.certificateFile]),
    );
    const rooms = WrittenRooms.open(bench, cluster);
    const name = peer.serverName as ServerName;
    const quiet = bench.pick({ rooms: 200, events: 30 }, { rooms: 120, events: 5 });
    const busy = bench.pick({ rooms: 20, events: 500 }, { rooms: 5, events: 60 });

    const comeBack = peer.on('PUT', '/_matrix/federation/v1/send/:txnId', () => ({ status: 503, body: {} }));
    bench.progress('writing rooms');
    const newest: string[] = [];
    for (const { rooms: count, events } of [quiet, busy]) {
      for (let index = 0; index < count; index += 1) {
        const room = await rooms.create([`@user:${name}` as UserId]);
        const words = Array.from({ length: events }, (_, word) => `${room.roomNid}: ${word}`);
        await rooms.say(room, words);
        newest.push(words.at(-1) ?? '');
      }
    }
    await until('all events were routed', () => areRouted(rooms));

    peer.received.length = 0;
    comeBack();
    const started = performance.now();
    await clearBackOff(rooms.database.db, name);
    rooms.announcer.publish(DestinationReachable, { destination: name });
    await until('everything was acknowledged', async () => (await pendingRooms(rooms, name)) === 0);
    const seconds = (performance.now() - started) / 1000;

    const bodies = sentTo(peer);
    const told = new Set(bodies);
    const figure = (what: string, unit: string, value: number) => ({ what, unit, passes: [value] });
    const none = { text: '0', reached: (value: number) => value === 0 };
    bench.remark(
      `${quiet.rooms} rooms with ${quiet.events} events and ${busy.rooms} with ${busy.events}, all missed. Owed are the newest event of each room, and those before it in rooms where they are few, once the rooms are (\`missed-events-reader.ts\`); the server asks for the others.`,
    );
    return [
      figure('from its return until everything owed was acknowledged', 's', seconds),
      figure('transactions', '', peer.received.length),
      figure('events', '', bodies.length),
      { ...figure('events sent twice', '', bodies.length - told.size), goal: none },
      {
        ...figure('rooms whose newest event was not sent', '', newest.filter((one) => !told.has(one)).length),
        goal: none,
      },
    ];
  },
};

function sentTo({ received }: RemoteServer): unknown[] {
  return received.flatMap(pdusIn).map(({ content }) => content['body']);
}

/** Whether the sender has read on to the newest event, which is the destination's too. */
async function areRouted({ database }: WrittenRooms): Promise<boolean> {
  const { rows } = await sql<{ routed: boolean }>`
    SELECT (SELECT max(position) FROM destination_rooms) = (SELECT max(position) FROM event_positions) AS routed`.execute(
    database.db,
  );
  return rows[0]?.routed ?? false;
}

/** Rooms of which a destination has not acknowledged the newest event. */
async function pendingRooms({ database }: WrittenRooms, destination: ServerName): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM destination_rooms r JOIN destinations d USING (destination)
    WHERE destination = ${destination} AND r.position > d.sent_position`.execute(database.db);
  return rows[0]?.count ?? 0;
}

/** @throws Error when it takes too long */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`it took too long until ${what}`);
    await sleep(POLL_MS);
  }
}
