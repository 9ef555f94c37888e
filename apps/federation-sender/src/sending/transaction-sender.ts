import type { DestinationFailure, MissedEventsReader, OutgoingToDeviceReader } from '@atoll/database';
import type { FederationClient, SendResult } from '@atoll/federation-client';
import { isJsonObject, type JsonObject, type JsonValue, type ServerName } from '@atoll/matrix';
import { type DeviceListEdus, LEAST_PLACES, type NextDeviceLists } from '../device-lists/device-list-edus.js';
import { destinationsFailed, edusSent, pdusRefused, pdusSent, transactions } from '../sender-metrics.js';
import { backOff } from './back-off.js';
import type { Destination } from './destination.js';
import { MAX_EDUS } from './edu-queue.js';
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
  readonly toDevice: Pick<OutgoingToDeviceReader, 'next'>;
  readonly pdus: PduCache;
  readonly deviceLists: Pick<DeviceListEdus, 'next'>;
  readonly progress: ProgressWriter;
}

/** Sends a destination its next transaction. */
export class TransactionSender {
  constructor(private readonly options: TransactionSenderOptions) {}

  /**
   * 1. Finds the next events, at most 50, and at most 100 EDUs: messages to devices first, then device lists, for which half of the places are
   *    left, then what is not durable.
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
    const toDevice = await this.#nextToDevice(destination);
    const lists = await this.#nextDeviceLists(destination, MAX_EDUS - toDevice.edus.length);
    const durable = [...toDevice.edus, ...(lists?.edus ?? [])];
    const edus = durable.concat(destination.edus.take(performance.now(), MAX_EDUS - durable.length));
    const events = next ? await pdus.load(next.events.map(({ eventNid }) => eventNid)) : [];
    if (events.length + edus.length > 0) {
      const failure = await this.#send(destination, events, edus);
      destination.failure = failure;
      if (failure !== undefined) {
        await progress.record({ destination: name, partition, failure });
        return false;
      }
    }
    if (next || toDevice.upTo > 0 || lists) {
      await progress.record({
        destination: name,
        partition,
        acknowledged: next?.upTo ?? 0,
        toDevice: toDevice.upTo,
        deviceLists: lists?.progress,
      });
    }
    return true;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging */
  async #nextToDevice(destination: Destination): Promise<{ edus: JsonObject[]; upTo: number }> {
    if (!destination.mayHaveToDevice) return { edus: [], upTo: 0 };
    // What comes during the look says so again.
    destination.mayHaveToDevice = false;
    const { contents, upTo, mayHaveMore } = await this.options.toDevice.next(
      destination.name,
      destination.mayHaveDeviceLists ? MAX_EDUS - LEAST_PLACES : MAX_EDUS,
    );
    if (mayHaveMore) destination.mayHaveToDevice = true;
    const edus = contents.map((content): JsonObject => {
      return { edu_type: 'm.direct_to_device', content: JSON.parse(content) as JsonObject };
    });
    return { edus, upTo };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#device-management */
  async #nextDeviceLists(destination: Destination, limit: number): Promise<NextDeviceLists | undefined> {
    if (!destination.mayHaveDeviceLists || limit === 0) return undefined;
    // What is routed during the look says so again.
    destination.mayHaveDeviceLists = false;
    const lists = await this.options.deviceLists.next(destination.name, limit);
    if (lists?.isMore === true) destination.mayHaveDeviceLists = true;
    return lists;
  }

  async #send(
    { name, failure }: Destination,
    pdus: Parameters<typeof transactionOf>[1],
    edus: Parameters<typeof transactionOf>[2],
  ): Promise<DestinationFailure | undefined> {
    const { serverName, federation } = this.options;
    const { id, body } = transactionOf(serverName, pdus, edus, Date.now());
    const path = `/_matrix/federation/v1/send/${id}`;
    const result = await federation.send(name, 'PUT', path, body, {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
    transactions.add(1, { outcome: outcomeOf(result) });
    if (result.outcome === 'answered') {
      pdusSent.add(pdus.length);
      edusSent.add(edus.length);
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
