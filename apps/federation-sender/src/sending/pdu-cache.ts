import type { EventText, EventTextReader } from '@atoll/database';
import { MAX_JSON_DEPTH, parseExactJson } from '@atoll/event-crypto';
import { exceedsJsonDepth, isJsonObject, type JsonObject, type Pdu } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';
import { LRUCache } from 'lru-cache';

const MAX_BYTES = 64 * 1024 * 1024;
/** Parsed, and with what the cache itself needs; estimated. */
const BYTES_PER_CHARACTER = 3;
const BYTES_PER_ENTRY = 1_000;
/** A redaction within this time goes out behind the event that it redacts; later, the event goes out redacted. */
const MAX_AGE_MS = 30_000;

/** The signed request holds an event within its content, the transaction and the list of events. */
const MAX_DEPTH = MAX_JSON_DEPTH - 3;

/** Events as they are sent: many destinations are sent the same ones at the same time. */
export class PduCache {
  readonly #pdus = new LRUCache<number, { pdu: JsonObject; size: number }>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ size }) => size,
    ttl: MAX_AGE_MS,
  });

  /** Those that are on their way from the database, by event. */
  readonly #loading = new Map<number, Promise<ReadonlyMap<number, JsonObject>>>();

  constructor(private readonly texts: Pick<EventTextReader, 'byNids'>) {}

  /** The events in this order; those that are not stored any more, or cannot be sent, are left out. */
  async load(eventNids: readonly number[]): Promise<JsonObject[]> {
    const missing = eventNids.filter((nid) => !this.#pdus.has(nid) && !this.#loading.has(nid));
    if (missing.length > 0) {
      const reading = this.#read(missing).finally(() => {
        for (const nid of missing) this.#loading.delete(nid);
      });
      for (const nid of missing) this.#loading.set(nid, reading);
    }
    const found = await Promise.all(
      eventNids.map(async (nid) => this.#pdus.get(nid)?.pdu ?? (await this.#loading.get(nid))?.get(nid)),
    );
    return found.filter((pdu) => pdu !== undefined);
  }

  async #read(eventNids: readonly number[]): Promise<ReadonlyMap<number, JsonObject>> {
    const read = new Map<number, JsonObject>();
    for (const text of await this.texts.byNids(eventNids)) {
      const pdu = toSentPdu(text);
      if (pdu === undefined) continue;
      read.set(text.eventNid, pdu);
      const size = BYTES_PER_ENTRY + BYTES_PER_CHARACTER * text.json.length;
      this.#pdus.set(text.eventNid, { pdu, size });
    }
    return read;
  }
}

/** As stored, every number as it came, without what other servers do not want to know; redacted if it was. */
function toSentPdu({ json, roomVersion, isRedacted }: EventText): JsonObject | undefined {
  const stored = exceedsJsonDepth(json, MAX_DEPTH) ? undefined : parseExactJson(json);
  const rules = rulesOf(roomVersion);
  if (!isJsonObject(stored) || rules === undefined) return undefined;
  const { unsigned, ...pdu } = stored;
  return isRedacted ? (redactEvent(pdu as unknown as Pdu, rules) as unknown as JsonObject) : pdu;
}
