import type { LoadUser } from './load-user.js';

/** Sends messages at a steady rate, whether answers come or not, as many users together do. */
export class SteadyLoad {
  sent = 0;
  failed = 0;
  private readonly started = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly senders: readonly { user: LoadUser; roomId: string }[],
    private readonly perSecond: number,
  ) {
    this.timer = setInterval(() => {
      this.catchUp();
    }, 1000 / perSecond);
  }

  /** @returns the rate reached, in messages a second */
  stop(): number {
    clearInterval(this.timer);
    return this.sent / ((performance.now() - this.started) / 1000);
  }

  /** Timers come late; what is due by now is sent now. */
  private catchUp(): void {
    const due = ((performance.now() - this.started) / 1000) * this.perSecond;
    for (; this.sent < due; this.sent += 1) {
      const sender = this.senders[this.sent % this.senders.length];
      sender?.user.send(sender.roomId, `background ${this.sent}`).catch(() => (this.failed += 1));
    }
  }
}
