import { readFile } from 'node:fs/promises';
import type { Database } from '@atoll/database';
import { createFederationClient, type FederationClient } from '@atoll/federation-client';
import type { EventId, JsonValue, RoomEvent, RoomId, ServerName } from '@atoll/matrix';
import type { Cluster, RemoteRoom, RemoteServer } from '@atoll/testing';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../benchmark.js';

/** As many as a transaction may have. */
const PDUS = 50;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;
/** With the envelope of an event of room version 12 this makes about 1,000 bytes of JSON. */
const BODY = 'a message of some length '.repeat(14);

/** A server that sends transactions, one at a time, and the rooms into which it sends. */
export interface Origin {
  readonly server: RemoteServer;
  readonly federation: FederationClient;
  readonly rooms: RemoteRoom[];
}

/** What an origin sends in one pass: transactions of the events of its rooms in turn. */
export interface Prepared {
  readonly origin: Origin;
  readonly transactions: readonly (readonly RoomEvent[])[];
}

/** Gives a scripted server connections that stay open, as real servers have them. */
export async function openOrigin(bench: Bench, cluster: Cluster, server: RemoteServer): Promise<Origin> {
  const { federation, close } = createFederationClient({
    serverName: server.serverName as ServerName,
    key: server.key,
    ipDenylist: [],
    extraCa: [await readFile(cluster.certificateFile, 'utf8')],
  });
  bench.atEnd(() => close(0));
  return { server, federation, rooms: [] };
}

/**
 * Has servers join a room of Atoll's. Each then writes on from the last of the joins, on a branch of its own where it is not alone.
 */
export async function joinAll(
  cluster: Cluster,
  servers: readonly RemoteServer[],
  roomId: RoomId,
): Promise<RemoteRoom[]> {
  const rooms: RemoteRoom[] = [];
  for (const server of servers) {
    const joined = await server.join(cluster, roomId, server.user('bench'));
    for (const room of rooms) for (const head of joined.heads) receive(room, joined, head);
    rooms.push(joined);
  }
  return rooms;
}

function receive(room: RemoteRoom, from: RemoteRoom, eventId: EventId): void {
  const event = from.events.get(eventId);
  if (event) room.receive(event.pdu);
}

/** Makes events ready to be sent; they follow what was made before. */
export async function prepare(origin: Origin, events: number): Promise<Prepared> {
  const { server, rooms } = origin;
  const made: RoomEvent[] = [];
  for (let index = 0; index < events; index += 1) {
    const room = rooms[index % rooms.length];
    if (room) made.push(await room.say(server.user('bench'), BODY));
  }
  const transactions: RoomEvent[][] = [];
  for (let from = 0; from < made.length; from += PDUS) transactions.push(made.slice(from, from + PDUS));
  return { origin, transactions };
}

/** In ms since the first was sent. */
export interface Taken {
  /** The last transaction was answered. */
  readonly answered: number;
  /** The last event has its place in its room. */
  readonly accepted: number;
}

/**
 * Sends what is prepared, one transaction of each origin at a time, and waits until Atoll has accepted every event.
 * @throws Error when one is refused, or not accepted in time
 */
export async function deliver(
  cluster: Cluster,
  database: Database,
  prepared: readonly Prepared[],
): Promise<Taken> {
  const events = prepared.flatMap(({ transactions }) => transactions.flat());
  // Each follows all others of its room that the server has sent.
  const last = prepared.flatMap(({ origin }) => origin.rooms.flatMap(({ heads }) => heads));
  const started = performance.now();
  await Promise.all(prepared.map((one) => sendAll(cluster, one)));
  const answered = performance.now() - started;
  while ((await countAccepted(database, last)) < last.length) {
    if (performance.now() - started > PATIENCE_MS) throw new Error('the events were not accepted in time');
    await sleep(POLL_MS);
  }
  const accepted = performance.now() - started;
  const count = await countAccepted(
    database,
    events.map(({ eventId }) => eventId),
  );
  if (count < events.length) throw new Error(`${events.length - count} events were not accepted`);
  return { answered, accepted };
}

async function sendAll(cluster: Cluster, { origin, transactions }: Prepared): Promise<void> {
  const { server, federation } = origin;
  for (const events of transactions) {
    // The last event's id is part of no other transaction.
    const path = `/_matrix/federation/v1/send/${encodeURIComponent(events.at(-1)?.eventId ?? '')}`;
    const content = {
      origin: server.serverName,
      origin_server_ts: Date.now(),
      pdus: events.map(({ pdu }) => pdu as unknown as JsonValue),
    };
    const result = await federation.send(cluster.serverName as ServerName, 'PUT', path, content);
    if (result.outcome !== 'answered' || JSON.stringify(result.body).includes('"error"')) {
      throw new Error(`a transaction was not taken: ${JSON.stringify(result).slice(0, 500)}`);
    }
  }
}

/** How many of these events have a position. */
async function countAccepted({ db }: Database, events: readonly EventId[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM events e JOIN event_positions p USING (event_nid)
    WHERE e.event_id = ANY(${[...events]}::text[])`.execute(db);
  return rows[0]?.count ?? 0;
}
