import { Pool } from 'undici';
import type { Bench } from '../benchmark.js';

/** Sends requests to one origin over connections that stay open; cheaper than `fetch`, which would be measured too. */
export class HttpLoad {
  private readonly pool: Pool;

  constructor(bench: Bench, origin: string, connections: number) {
    // Long polls answer late.
    this.pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    bench.atEnd(() => this.pool.destroy());
  }

  /** @throws Error for any status but 200 */
  async request<Body>(
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    token: string,
    body?: unknown,
  ): Promise<Body> {
    const answer = await this.pool.request({
      method,
      path,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
    return JSON.parse(text) as Body;
  }

  /** Closes all connections at once. */
  close(): Promise<void> {
    return this.pool.destroy();
  }
}
