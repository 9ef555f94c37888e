/**
 * Thrown by a handler that finds out, after the gate, that this instance does not own the partition: its commit was fenced
 * off. The caller resolves the owner again and resends under the same idempotency key.
 */
export class NotOwner extends Error {
  override readonly name = 'NotOwner';

  constructor(partition: number, options?: ErrorOptions) {
    super(`partition ${partition} is not owned by this instance`, options);
  }
}
