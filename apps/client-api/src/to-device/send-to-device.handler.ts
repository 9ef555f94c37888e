import type { Config } from '@atoll/config';
import { partitionOf } from '@atoll/contract';
import type { OutgoingEdu, ToDeviceRequest } from '@atoll/database';
import {
  type DeviceId,
  type JsonObject,
  MatrixError,
  type ServerName,
  serverNameOf,
  tooLarge,
  type UserId,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { hash } from 'node:crypto';
import { CONFIG } from '../platform/tokens.js';
import type { Transaction } from '../rooms/commands/transaction.js';
import { NewServers } from './new-servers.js';
import { MAX_EDU_BYTES, type NamedMessage, outgoingEdus, sizeAlone } from './outgoing-edus.js';
import { ToDeviceWriter } from './to-device-writer.js';

/** By user and by device id, where `*` stands for those that are not named. */
export type Messages = Readonly<Record<UserId, Readonly<Record<string, JsonObject>>>>;

/** Recipients that one request names. Clients name some hundreds. */
const MAX_NAMED = 1_000;
/** An inbox that is full stays so until its device is there. */
const RETRY_AFTER_MS = 60_000;

/** Sends messages to devices. */
@Injectable()
export class SendToDeviceHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly newServers: NewServers,
    private readonly writer: ToDeviceWriter,
  ) {}

  /**
   * 1. Refuses what is too large: any message that fits into an EDU alone may be sent, to whomever.
   * 2. Bounds the servers that it would make known.
   * 3. Messages to users of this server go into the inboxes of their devices, those to others into what their servers are sent; all of it,
   *    and the transaction, in one commit.
   *
   * A device, or another server, that has too many messages unacknowledged takes no more: what was acknowledged to senders is never dropped
   * to make room. It does without, the others get theirs, and a repeated request brings what is missing. What nobody has emptied for a day is
   * passed over instead: that it is full is no reason for the others in a room to wait.
   * @throws MatrixError 413, 429
   */
  async send(sender: UserId, type: string, messages: Messages, transaction: Transaction): Promise<void> {
    const named = namedMessages(messages);
    if (named.length > MAX_NAMED) throw tooLarge(`More than ${MAX_NAMED} recipients`);
    if (named.some((message) => sizeAlone(sender, type, message) > MAX_EDU_BYTES)) {
      throw tooLarge(`A message takes at most ${MAX_EDU_BYTES} bytes`);
    }
    const recipients = [...new Set(named.map(({ userId }) => userId))];
    await this.newServers.admit(
      sender,
      recipients.filter((userId) => serverNameOf(userId) !== this.config.serverName),
    );
    const outcome = await this.writer.write(this.requestOf(sender, type, named, transaction));
    if (outcome.outcome === 'too_large') throw tooLarge('That is too much for one request');
    if (outcome.outcome === 'full' || (outcome.outcome === 'taken_in' && outcome.leftOut > 0)) {
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'A recipient has too many messages already', {
        retry_after_ms: RETRY_AFTER_MS,
      });
    }
  }

  private requestOf(
    sender: UserId,
    type: string,
    named: readonly NamedMessage[],
    { deviceId, scope, id }: Transaction,
  ): ToDeviceRequest {
    const local = new Map<UserId, Map<string, string>>();
    const remote = new Map<ServerName, NamedMessage[]>();
    for (const message of named) {
      const { userId, deviceId: recipient, content } = message;
      const server = serverNameOf(userId);
      if (server === this.config.serverName) {
        const ofUser = local.get(userId) ?? new Map<string, string>();
        local.set(userId, ofUser.set(recipient, content));
      } else remote.set(server, [...(remote.get(server) ?? []), message]);
    }
    const outgoing = [...remote].flatMap(([destination, ofServer]) => {
      const partition = partitionOf(destination, this.config.partitions);
      return outgoingEdus(sender, type, ofServer).map((content): OutgoingEdu => {
        return { destination, partition, content };
      });
    });
    const key = hash('sha256', JSON.stringify(['client', sender, deviceId, scope, id]), 'base64url');
    const device = deviceId === '' ? undefined : { userId: sender, deviceId: deviceId as DeviceId };
    return { key, sender, device, type, local, outgoing, whenFull: 'remember' };
  }
}

function namedMessages(messages: Messages): NamedMessage[] {
  return Object.entries(messages).flatMap(([userId, devices]) =>
    Object.entries(devices).map(([deviceId, content]) => {
      return { userId: userId as UserId, deviceId, content: JSON.stringify(content) };
    }),
  );
}
