import type { OutgoingEphemeralReader, StreamPositions } from '@atoll/database';
import { type ServerName, serverNameOf } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import type { Notice } from '../sending/edu-queue.js';
import { LocalTyping } from './local-typing.js';
import type { PresenceNews } from './presence-news.js';
import { ReceiptPace } from './receipt-pace.js';

const LOOK_MS = 100;
const REPAIR_MS = 1_000;
const BATCH = 500;
/** Other servers take somebody to have stopped when they hear nothing for about a minute. */
const REPEAT_TYPING_MS = 30_000;

export interface EphemeralRouterOptions {
  readonly reader: OutgoingEphemeralReader;
  readonly serverName: ServerName;
  readonly logger: Logger;
  /** Undefined where presence is switched off. */
  readonly presence: PresenceNews | undefined;
  /** The servers in a room that may be sent something. */
  readonly serversIn: (roomNid: number) => Promise<readonly ServerName[]>;
  readonly send: (destinations: readonly ServerName[], notices: readonly Notice[]) => Promise<void>;
}

/**
 * Tells other servers what local users type and have read, and whether they are there. It begins at the end of the streams, and nothing of it is durable: what is
 * missed while a sender restarts, or while a destination fails, is not sent later.
 */
export class EphemeralRouter {
  readonly #typing: LocalTyping;
  readonly #receipts = new ReceiptPace();
  #positions: { receipts: number; typing: number } | undefined;
  #repeatAt = 0;
  #lookAt = 0;
  #isHinted = false;
  #isFailing = false;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: EphemeralRouterOptions) {
    this.#typing = new LocalTyping(options.serverName);
  }

  /** @param positions of the ends of the streams */
  start({ receipts, typing, presence }: StreamPositions): void {
    this.#positions = { receipts, typing };
    this.options.presence?.start(presence);
    this.#timer = setInterval(() => {
      const isDue = this.#isHinted || !this.#receipts.isEmpty || performance.now() >= this.#lookAt;
      if (isDue) this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    }, LOOK_MS);
  }

  /** There may be something to read. */
  hint(): void {
    this.#isHinted = true;
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const now = performance.now();
    this.#isHinted = false;
    this.#lookAt = now + REPAIR_MS;
    try {
      await this.#followTyping();
      if (now >= this.#repeatAt) await this.#repeatTyping(now);
      await this.#followReceipts(now);
      if (await this.options.presence?.tell(now)) this.#isHinted = true;
      this.#isFailing = false;
    } catch (error) {
      // The next look goes on; an outage gives one line.
      if (!this.#isFailing) logError(this.options.logger, error, 'Cannot tell other servers what users do');
      this.#isFailing = true;
    }
  }

  async #followTyping(): Promise<void> {
    const { reader } = this.options;
    if (this.#positions === undefined) return;
    const rooms = await reader.typing(this.#positions.typing, BATCH);
    if (rooms.length >= BATCH) this.#isHinted = true;
    for (const room of rooms) {
      this.#positions.typing = room.position;
      await this.#tell(room.roomNid, this.#typing.change(room));
    }
  }

  async #repeatTyping(now: number): Promise<void> {
    this.#repeatAt = now + REPEAT_TYPING_MS;
    const { rooms } = this.#typing;
    if (rooms.length === 0) return;
    for (const room of await this.options.reader.typingIn(rooms)) {
      await this.#tell(room.roomNid, this.#typing.repeat(room));
    }
  }

  async #followReceipts(now: number): Promise<void> {
    const { reader, serverName } = this.options;
    if (this.#positions === undefined) return;
    const receipts = await reader.receipts(this.#positions.receipts, BATCH);
    if (receipts.length >= BATCH) this.#isHinted = true;
    for (const receipt of receipts) {
      this.#positions.receipts = receipt.position;
      if (serverNameOf(receipt.userId) === serverName) this.#receipts.add(receipt, now);
    }
    for (const [roomNid, ofRoom] of this.#receipts.take(now)) {
      const notices = ofRoom.map(({ roomId, userId, threadId, eventId, ts }): Notice => {
        return { type: 'm.receipt', roomId, userId, threadId, eventId, ts };
      });
      this.#receipts.rest(roomNid, await this.#tell(roomNid, notices), now);
    }
  }

  /** @returns to how many servers */
  async #tell(roomNid: number, notices: readonly Notice[]): Promise<number> {
    if (notices.length === 0) return 0;
    const servers = await this.options.serversIn(roomNid);
    if (servers.length > 0) await this.options.send(servers, notices);
    return servers.length;
  }
}
