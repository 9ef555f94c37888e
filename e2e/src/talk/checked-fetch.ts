import { checkResponse } from '@atoll/testing';

/** `fetch` for real clients, whose answers are checked as those of the test client are. */
export class CheckedFetch {
  readonly #breaches: Error[] = [];

  /** The client gets its answer in any case: it would take an error for a lost connection, and ask again. */
  readonly fetch: typeof fetch = async (resource, init) => {
    const response = await fetch(resource, init);
    const url = resource instanceof Request ? resource.url : String(resource);
    try {
      await checkResponse(init?.method ?? 'GET', url, response);
    } catch (error) {
      // The client did not want its answer any more.
      if (init?.signal?.aborted !== true) this.#breaches.push(error as Error);
    }
    return response;
  };

  /** @throws Error when an answer broke the specification */
  expectNone(): void {
    if (this.#breaches.length > 0) {
      throw new AggregateError(
        this.#breaches,
        `A client got what the specification does not allow: ${this.#breaches.map(String).join('; ')}`,
      );
    }
  }
}
