import type { DestinationReader } from '@atoll/database';
import { type JsonObject, MatrixError, overloaded, type ServerName, type UserId } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import { AnswerBytes, HeldBytes } from './answer-bytes.js';
import { Places } from './places.js';
import type { AnswerBounds } from './remote-keys.js';

/** Servers that one request asks at once. One that has not answered after a slice leaves its turn to the next, and is waited for on. */
const AT_ONCE = 20;
const SLICE_MS = 1_000;
/** Servers that one user waits for, by one request or several, and all of this process together. */
const MAX_OPEN_OF_USER = 100;
const MAX_OPEN = 300;
const RETRY_AFTER_MS = 1_000;
/** Bytes of answers that are held for one user, and for all users of this process together. */
const MAX_BYTES_OF_USER = 16 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;
/** For a server that is known to fail; it is not asked again for a while. */
const FAILING_TIMEOUT_MS = 3_000;
const FAILING_PAUSE_MS = 60_000;
const REMEMBERED = 10_000;

/** Of some of what was wanted of a server: gives what it answers to `take`. @throws anything when there is no answer to all of it */
type Ask<T, A> = (
  server: ServerName,
  wanted: T,
  bounds: AnswerBounds,
  take: (answer: A) => void,
) => Promise<void>;

/**
 * Asks many servers while a client waits. Those that do not answer are as many as they like: they must not keep others from being asked,
 * nor use up what all requests of this process share.
 */
export class ServerAsker {
  readonly #places = new Places(MAX_OPEN);
  readonly #placesOf = new LRUCache<UserId, Places>({ max: REMEMBERED });
  readonly #bytes = new AnswerBytes(MAX_BYTES);
  readonly #bytesOf = new LRUCache<UserId, AnswerBytes>({ max: REMEMBERED });
  readonly #triedFailing = new LRUCache<ServerName, true>({ max: REMEMBERED, ttl: FAILING_PAUSE_MS });

  constructor(private readonly destinations: Pick<DestinationReader, 'failuresOf'>) {}

  /**
   * All within one time limit; an answer that comes later is dropped. Servers to which nothing could be sent come last, have less time, and
   * are asked once a minute, until one answers or is heard from.
   * @returns the `failures` of an answer: those that did not answer all that they were asked
   */
  async ask<T, A>(
    userId: UserId,
    servers: ReadonlyMap<ServerName, T>,
    timeoutMs: number,
    ask: Ask<T, A>,
    take: (answer: A) => void,
  ): Promise<JsonObject> {
    const deadline = performance.now() + timeoutMs;
    const failing = await this.failing([...servers.keys()]);
    const waiting = [...servers]
      .toSorted(([one], [other]) => Number(failing.has(one)) - Number(failing.has(other)))
      .values();
    const failures = new Map<string, JsonObject>();
    const open = new Set<Promise<void>>();
    const held: HeldBytes[] = [];
    let isOver = false;
    const takeInTime = (answer: A) => {
      if (!isOver) take(answer);
    };
    const askOne = async (server: ServerName, wanted: T) => {
      const isFailing = failing.has(server);
      const left = deadline - performance.now();
      const allowance = this.allowanceOf(userId);
      held.push(allowance);
      try {
        if (isFailing && this.#triedFailing.has(server)) throw noAnswer('The server has not answered lately');
        await this.inPlace(userId, isFailing ? Math.min(left, FAILING_TIMEOUT_MS) : left, (ms) =>
          ask(server, wanted, { timeoutMs: ms, allowance }, takeInTime),
        );
        this.#triedFailing.delete(server);
      } catch (error) {
        allowance.giveBack();
        if (isFailing && !this.#triedFailing.has(server)) this.#triedFailing.set(server, true);
        failures.set(server, failureOf(error));
      }
    };
    const work = async () => {
      for (const [server, wanted] of waiting) {
        while (open.size >= MAX_OPEN_OF_USER) await Promise.race(open);
        const asked = askOne(server, wanted).finally(() => open.delete(asked));
        open.add(asked);
        await within(SLICE_MS, asked).catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, servers.size) }, work));
    await Promise.all(open);
    isOver = true;
    for (const allowance of held) allowance.giveBack();
    return Object.fromEntries(failures);
  }

  private allowanceOf(userId: UserId): HeldBytes {
    const own = this.#bytesOf.get(userId) ?? new AnswerBytes(MAX_BYTES_OF_USER);
    this.#bytesOf.set(userId, own);
    return new HeldBytes([this.#bytes, own]);
  }

  private async failing(servers: readonly ServerName[]): Promise<Set<ServerName>> {
    const failures = await this.destinations.failuresOf(servers);
    // Who was heard from since has no time to wait for any more.
    return new Set([...failures].flatMap(([server, { retryAt }]) => (retryAt > 0 ? [server] : [])));
  }

  /** The place is taken until there is an answer, or none is to be expected any more, whoever waits for it. */
  private async inPlace(
    userId: UserId,
    timeoutMs: number,
    ask: (leftMs: number) => Promise<void>,
  ): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    // Timers may fire a moment before their time.
    if (timeoutMs < 2) throw noAnswer('There was no time left to ask');
    const own = this.#placesOf.get(userId) ?? new Places(MAX_OPEN_OF_USER);
    this.#placesOf.set(userId, own);
    // One user's own bound first: who waits for that takes nobody else's place.
    const giveOwnBack = await own.take(timeoutMs);
    if (giveOwnBack === undefined) throw overloaded(RETRY_AFTER_MS);
    const giveBack = await this.#places.take(deadline - performance.now());
    if (giveBack === undefined) {
      giveOwnBack();
      throw overloaded(RETRY_AFTER_MS);
    }
    const left = deadline - performance.now();
    await within(
      left,
      ask(left).finally(() => {
        giveBack();
        giveOwnBack();
      }),
    );
  }
}

const noAnswer = (message: string) => new MatrixError(504, 'M_UNKNOWN', message);

function within<A>(ms: number, answer: Promise<A>): Promise<A> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(noAnswer('The server did not answer in time'));
    }, ms);
    answer.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}

function failureOf(error: unknown): JsonObject {
  const { status, ...told } =
    error instanceof MatrixError
      ? { status: error.status, ...error.body() }
      : { status: 502, errcode: 'M_UNKNOWN', error: 'The server could not be asked' };
  return { status, ...told };
}
