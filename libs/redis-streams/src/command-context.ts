/** What a handler knows of the request besides its input. */
export class CommandContext {
  constructor(
    readonly pattern: string,
    /** The same key means the same wish: it may arrive again after its effect is committed. */
    readonly idempotencyKey: string,
    /** Ms since 1970 by this process's clock, after which nobody waits for the answer; absent for work without a caller. */
    readonly deadline: number | undefined,
    readonly partition: number | undefined,
    /** The epoch under which the caller addressed the partition. */
    readonly epoch: number | undefined,
    /** 1 for the first delivery; more when a consumer of shared work failed or died before. */
    readonly delivery: number,
  ) {}
}
