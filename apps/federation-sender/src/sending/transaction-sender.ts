import type { DestinationFailure, MissedEventsReader } from '@atoll/database';
import type { FederationClient, SendResult } from '@atoll/federation-client';
import { isJsonObject, type JsonValue, type ServerName } from '@atoll/matrix';
import { destinationsFailed, pdusRefused, pdusSent, transactions } from '../sender-metrics.js';
import { backOff } from './back-off.js';
import type { Destination } from './destination.js';
import type { PduCache } from './pdu-cache.js';
import type { ProgressWriter } from './progress-writer.js';
import { MAX_PDUS, transactionOf } from './transaction.js';

/** A place is held for no longer by a peer that says nothing. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface TransactionSenderOptions {
  readonly serverName: ServerName;
  readonly federation: Pick<FederationClient, 'send'>;
  readonly missed: Pick<MissedEventsReader, 'of'>;
  readonly pdus: PduCache;
  readonly progress: ProgressWriter;
}

/** Sends a destination its next transaction. */
export class TransactionSender {
  constructor(private readonly options: TransactionSenderOptions) {}

  /**
   * 1. Finds the next events, at most 50.
   * 2. Sends them.
   * 3. Makes it durable that they are acknowledged, or that the destination fails. What the peer says about single events is
   *    counted only: sent again they would fare the same.
   *
   * @returns whether the destination works
   * @throws NotOwnerError when its partition is another's; what the database says
   */
  async sendNext(destination: Destination): Promise<boolean> {
    const { missed, pdus, progress } = this.options;
    const { name, partition } = destination;
    await destination.fill(() => missed.of(name));
    const next = destination.take(MAX_PDUS);
    if (next === undefined) return true;
    const events = await pdus.load(next.events.map(({ eventNid }) => eventNid));
    if (events.length > 0) {
      const failure = await this.#send(destination, events);
      destination.failure = failure;
      if (failure !== undefined) {
        await progress.record({ destination: name, partition, failure });
        return false;
      }
    }
    await progress.record({ destination: name, partition, acknowledged: next.upTo });
    return true;
  }

  async #send(
    { name, failure }: Destination,
    pdus: Parameters<typeof transactionOf>[1],
  ): Promise<DestinationFailure | undefined> {
    const { serverName, federation } = this.options;
    const { id, body } = transactionOf(serverName, pdus, Date.now());
    const path = `/_matrix/federation/v1/send/${id}`;
    const result = await federation.send(name, 'PUT', path, body, {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
    transactions.add(1, { outcome: outcomeOf(result) });
    if (result.outcome === 'answered') {
      pdusSent.add(pdus.length);
      pdusRefused.add(refusedIn(result.body));
      return undefined;
    }
    if (failure === undefined) destinationsFailed.add(1);
    return backOff(failure, Date.now(), retryAfterOf(result));
  }
}

function outcomeOf(result: SendResult): string {
  if (result.outcome === 'answered') return 'acknowledged';
  return result.outcome === 'failed' ? result.kind : `status-${Math.floor(result.status / 100)}xx`;
}

/** How long a rate-limiting peer wants to be left alone, in ms. */
function retryAfterOf(result: SendResult): number | undefined {
  if (result.outcome !== 'refused' || result.status !== 429) return undefined;
  const wait = result.body['retry_after_ms'];
  return typeof wait === 'number' && wait >= 0 ? wait : undefined;
}

function refusedIn(body: JsonValue): number {
  const results = isJsonObject(body) ? body['pdus'] : undefined;
  if (!isJsonObject(results)) return 0;
  return Object.values(results).filter((one) => isJsonObject(one) && typeof one['error'] === 'string').length;
}
