import { Readable } from 'node:stream';
import type { EventText } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { StreamableFile } from '@nestjs/common';
import { pduText } from './served-pdu.js';

/** An answer from pieces of JSON text, sent as they come: events must go out as they are stored. */
export function jsonAnswer(parts: Iterable<string> | AsyncIterable<string>): StreamableFile {
  return new StreamableFile(Readable.from(parts), { type: 'application/json' });
}

/**
 * The events in the form of a transaction of this server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
 */
export function transactionAnswer(ownName: ServerName, pdus: readonly string[]): StreamableFile {
  const head = JSON.stringify({ origin: ownName, origin_server_ts: Date.now() });
  return jsonAnswer([`${head.slice(0, -1)},"pdus":[${pdus.join(',')}]}`]);
}

/** The inside of a JSON array of events: a page is made to text at a time, and the event loop is free between two. */
export async function* pduItems(pages: AsyncIterable<readonly EventText[]>): AsyncGenerator<string, void> {
  let separator = '';
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield separator + page.map(pduText).join(',');
    separator = ',';
  }
}
