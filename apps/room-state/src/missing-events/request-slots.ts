import { overloaded, type ServerName } from '@atoll/matrix';

const PER_SERVER = 4;
const AT_ONCE = 32;
const MAX_WAITING = 1_000;
const RETRY_AFTER_MS = 10_000;

interface Waiting {
  readonly server: ServerName;
  start(): void;
}

/** Lets few questions to each server, and to all of them, be open at once: who answers slowly holds up nobody else. */
export class RequestSlots {
  private readonly open = new Map<ServerName, number>();
  private total = 0;
  private readonly waiting: Waiting[] = [];

  /** @throws MatrixError 503 when too many wait already */
  async run<T>(server: ServerName, ask: () => Promise<T>): Promise<T> {
    if (this.isFree(server)) this.take(server);
    else await this.turn(server);
    try {
      return await ask();
    } finally {
      this.giveBack(server);
    }
  }

  private isFree(server: ServerName): boolean {
    return this.total < AT_ONCE && (this.open.get(server) ?? 0) < PER_SERVER;
  }

  private turn(server: ServerName): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) throw overloaded(RETRY_AFTER_MS);
    return new Promise((resolve) => this.waiting.push({ server, start: resolve }));
  }

  private take(server: ServerName): void {
    this.total += 1;
    this.open.set(server, (this.open.get(server) ?? 0) + 1);
  }

  private giveBack(server: ServerName): void {
    this.total -= 1;
    const left = (this.open.get(server) ?? 1) - 1;
    if (left > 0) this.open.set(server, left);
    else this.open.delete(server);
    const next = this.waiting.findIndex((one) => this.isFree(one.server));
    const [started] = next < 0 ? [] : this.waiting.splice(next, 1);
    if (!started) return;
    this.take(started.server);
    started.start();
  }
}
