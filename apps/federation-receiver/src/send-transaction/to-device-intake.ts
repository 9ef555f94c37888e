import { ToDeviceChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  KnownWaiting,
  type ToDeviceOutcome,
  type ToDeviceRequest,
  ToDeviceTransactor,
} from '@atoll/database';
import { isRawNumber } from '@atoll/event-crypto';
import {
  isJsonObject,
  isUserId,
  type JsonObject,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import type { Announcer } from '@atoll/redis-streams';
import { AbandonedMessages } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { hash } from 'node:crypto';
import { toDeviceReceived } from './transaction-metrics.js';

/** Of one EDU; what it names beyond that is left out. */
const MAX_NAMED = 1_000;
const MAX_CONTENT_BYTES = 65_536;
/** EDUs of one commit. */
const AT_ONCE = 20;

/** Takes in messages to devices of this server. */
export class ToDeviceIntake {
  private readonly known = new KnownWaiting();
  private readonly abandoned: AbandonedMessages;

  constructor(
    private readonly serverName: ServerName,
    private readonly database: Database,
    private readonly announcer: Announcer,
    private readonly logger: Logger,
  ) {
    this.abandoned = new AbandonedMessages(logger);
  }

  /**
   * Durable when it resolves, and taken in once, whatever transactions bring it. A device with a full inbox does without: no answer could tell
   * the sender so but one that stops all that its server sends.
   * @param contents of admitted `m.direct_to_device` EDUs, in their order
   * @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
   */
  async take(origin: ServerName, contents: readonly JsonObject[]): Promise<void> {
    const requests = contents.map((content) => this.requestOf(origin, content));
    for (let i = 0; i < requests.length; i += AT_ONCE) {
      const { outcomes, positions } = await commitInLanes(this.database.db, (trx, closing) =>
        new ToDeviceTransactor(trx, closing, this.known).send(requests.slice(i, i + AT_ONCE)),
      );
      if (positions) this.announcer.publish(ToDeviceChanged, { position: positions.at(positions.count - 1) });
      this.report(origin, outcomes);
    }
  }

  /** The gate has looked at the form. */
  private requestOf(origin: ServerName, content: JsonObject): ToDeviceRequest {
    const { sender, type, message_id, messages } = content as JsonObject & { sender: UserId; type: string };
    const key = hash('sha256', JSON.stringify(['server', origin, message_id]), 'base64url');
    const local = this.localMessages(messages as JsonObject);
    return { key, sender, type, local, outgoing: [], whenFull: 'leave_out' };
  }

  private localMessages(messages: JsonObject): ToDeviceRequest['local'] {
    const named = Object.entries(messages).flatMap(([userId, devices]) => {
      if (!isUserId(userId) || serverNameOf(userId) !== this.serverName || !isJsonObject(devices)) return [];
      return Object.entries(devices).flatMap(([deviceId, content]) => {
        // A number that has kept its source is no object.
        if (!isJsonObject(content) || isRawNumber(content) || !isStorable(deviceId)) return [];
        const text = JSON.stringify(content);
        return Buffer.byteLength(text) > MAX_CONTENT_BYTES ? [] : [{ userId, deviceId, text }];
      });
    });
    const byUser = Map.groupBy(named.slice(0, MAX_NAMED), ({ userId }) => userId);
    return new Map(
      Array.from(byUser, ([userId, ofUser]) => [
        userId,
        new Map(ofUser.map(({ deviceId, text }) => [deviceId, text])),
      ]),
    );
  }

  private report(origin: ServerName, outcomes: readonly ToDeviceOutcome[]): void {
    const lost = outcomes.filter(
      (one) => one.outcome === 'too_large' || (one.outcome === 'taken_in' && one.leftOut > 0),
    );
    this.abandoned.note(outcomes);
    for (const { outcome } of outcomes) toDeviceReceived.add(1, { outcome });
    if (lost.length > 0)
      this.logger.warn({ origin, edus: lost.length }, 'Messages did not fit into an inbox');
  }
}

const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');
