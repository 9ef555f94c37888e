import { serverNameOf, type UserId } from '@atoll/matrix';

/**
 * What one device, or one other server, may leave unacknowledged: one that is in use for months without being there does not come
 * near it.
 */
export const MAX_WAITING = 250_000;
/** Of that, what users of other servers may hold of a device's inbox: any number of users costs them nothing. */
export const MAX_OF_OTHER_SERVERS = 125_000;
/** Of that, what one sender may hold once half of it, or of what other servers may hold, is taken: until then nobody else goes short. */
export const MAX_OF_SENDER = 10_000;
export const SHARED_FROM = MAX_WAITING / 2;

/** What is full, and was emptied by nobody for so long, holds up nobody. */
export const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** What waits in one place, an inbox or the queue for another server, as it was counted. */
export interface CountedFill {
  readonly total: number;
  readonly ofOtherServers: number;
  /** Messages by sender, without those that hold few ({@link FEW}). */
  readonly bySender: Readonly<Record<UserId, number>>;
  /** Nothing of it was acknowledged for {@link ABANDONED_AFTER_MS}. */
  readonly isAbandoned: boolean;
}

/** Senders with fewer are not counted one by one. */
export const FEW = 1_000;

/** How full one place is: what was counted, and what was added since. */
export class Fill {
  #total: number;
  #ofOtherServers: number;
  readonly #bySender: Map<UserId, number>;
  readonly isAbandoned: boolean;
  #added = 0;

  constructor({ total, ofOtherServers, bySender, isAbandoned }: CountedFill) {
    this.isAbandoned = isAbandoned;
    this.#total = total;
    this.#ofOtherServers = ofOtherServers;
    this.#bySender = new Map(Object.entries(bySender) as [UserId, number][]);
  }

  /** Messages since it was counted. */
  get added(): number {
    return this.#added;
  }

  /** Whether so many messages of the sender, to a user of this server or of another one, fit in. */
  hasRoom(sender: UserId, isOfOtherServer: boolean, count = 1): boolean {
    if (this.#total + count > MAX_WAITING) return false;
    if (isOfOtherServer && this.#ofOtherServers + count > MAX_OF_OTHER_SERVERS) return false;
    const isShared =
      this.#total + count > SHARED_FROM ||
      (isOfOtherServer && this.#ofOtherServers + count > MAX_OF_OTHER_SERVERS / 2);
    return !isShared || (this.#bySender.get(sender) ?? 0) + count <= MAX_OF_SENDER;
  }

  /** A sender who had few and is not counted cannot reach its share before the next count. */
  add(sender: UserId, isOfOtherServer: boolean, count = 1): void {
    this.#total += count;
    if (isOfOtherServer) this.#ofOtherServers += count;
    const ofSender = this.#bySender.get(sender);
    if (ofSender !== undefined) this.#bySender.set(sender, ofSender + count);
    this.#added += count;
  }
}

/** Whether a sender is of another server than the owner of an inbox. */
export function isOfOtherServer(sender: UserId, owner: UserId): boolean {
  return serverNameOf(sender) !== serverNameOf(owner);
}
