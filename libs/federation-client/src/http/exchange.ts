import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { exchangeError } from './classify-error.js';
import { OutboundError } from './outbound-error.js';

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ExchangeOptions {
  readonly method: Dispatcher.HttpMethod;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** For everything: waiting for a connection, connecting, sending, receiving. */
  readonly timeoutMs: number;
  /** For the head of the answer, and between parts of its body. */
  readonly silenceMs: number;
  readonly maxBytes: number;
  readonly allowance?: ByteAllowance | undefined;
}

/** A bound that several answers share. */
export interface ByteAllowance {
  /** Asked for every part of a body, as it comes. @returns false when there is not so much left: the answer is too large then */
  take(bytes: number): boolean;
}

/** One request and its answer, read to its end within bounds of time and size. Rejects with {@link OutboundError}. */
export function exchange(dispatcher: Dispatcher, options: ExchangeOptions): Promise<HttpAnswer> {
  const { method, path, headers, body, silenceMs } = options;
  return new Promise((resolve, reject) => {
    const handler = new Exchange(options, resolve, reject);
    dispatcher.dispatch(
      {
        method,
        path,
        headers,
        body: body ?? null,
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
      },
      handler,
    );
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #length = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly options: ExchangeOptions,
    private readonly resolve: (answer: HttpAnswer) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.#timer = setTimeout(() => {
      this.#fail('timeout');
    }, options.timeoutMs);
  }

  /** A connection is there, and the request is about to be written to it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) controller.abort(new OutboundError('timeout', false));
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders) {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') this.#fail('protocol');
    else if (Number(headers['content-length']) > this.options.maxBytes) this.#fail('too-large');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxBytes, allowance } = this.options;
    this.#length += chunk.length;
    if (this.#length > maxBytes || allowance?.take(chunk.length) === false) this.#fail('too-large');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    const body = Buffer.concat(this.#chunks, this.#length);
    const answer = { status: this.#status, headers: this.#headers, body };
    // Undici takes its connection back a turn of the event loop later; a next request before that would open another.
    setImmediate(() => setImmediate(this.resolve, answer));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#end()) return;
    try {
      this.reject(exchangeError(error, this.#controller !== undefined));
    } catch (mistake) {
      this.reject(mistake as Error);
    }
  }

  #fail(kind: 'timeout' | 'protocol' | 'too-large'): void {
    if (!this.#end()) return;
    const error = new OutboundError(kind, this.#controller !== undefined);
    this.#chunks = [];
    this.reject(error);
    this.#controller?.abort(error);
  }

  /** False when it has ended before. */
  #end(): boolean {
    if (this.#ended) return false;
    clearTimeout(this.#timer);
    this.#ended = true;
    return true;
  }
}
