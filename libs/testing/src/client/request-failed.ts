import type { Answer } from './answer.js';

/** An answer other than the 2xx that a test builds on. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';

  constructor(
    request: string,
    readonly answer: Answer,
  ) {
    super(`${request} answered ${answer.status} ${answer.text.slice(0, 500)}`);
  }
}
