import { overloaded, type ServerName } from '@atoll/matrix';

const PER_KEY = 4;
const AT_ONCE = 32;
const MAX_WAITING = 1_000;
/** Of them, to one server: more than its slowness is worth. */
const MAX_WAITING_PER_KEY = 250;
const RETRY_AFTER_MS = 10_000;

interface Waiting<Key> {
  readonly key: Key;
  start(): void;
}

/** Lets few questions to each server (or of each room), and few in all, be open at once: who answers slowly holds up nobody else. */
export class RequestSlots<Key extends string = ServerName> {
  private readonly open = new Map<Key, number>();
  private total = 0;
  private readonly waiting: Waiting<Key>[] = [];

  constructor(
    private readonly perKey = PER_KEY,
    private readonly atOnce = AT_ONCE,
  ) {}

  /** @throws MatrixError 503 when too many wait already */
  async run<T>(key: Key, ask: () => Promise<T>): Promise<T> {
    if (this.isFree(key)) this.take(key);
    else await this.turn(key);
    try {
      return await ask();
    } finally {
      this.giveBack(key);
    }
  }

  private isFree(key: Key): boolean {
    return this.total < this.atOnce && (this.open.get(key) ?? 0) < this.perKey;
  }

  private turn(key: Key): Promise<void> {
    const sameKey = this.waiting.filter((one) => one.key === key).length;
    if (this.waiting.length >= MAX_WAITING || sameKey >= MAX_WAITING_PER_KEY)
      throw overloaded(RETRY_AFTER_MS);
    return new Promise((resolve) => this.waiting.push({ key, start: resolve }));
  }

  private take(key: Key): void {
    this.total += 1;
    this.open.set(key, (this.open.get(key) ?? 0) + 1);
  }

  private giveBack(key: Key): void {
    this.total -= 1;
    const left = (this.open.get(key) ?? 1) - 1;
    if (left > 0) this.open.set(key, left);
    else this.open.delete(key);
    const next = this.waiting.findIndex((one) => this.isFree(one.key));
    const [started] = next < 0 ? [] : this.waiting.splice(next, 1);
    if (!started) return;
    this.take(started.key);
    started.start();
  }
}
