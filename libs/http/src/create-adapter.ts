import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { refuseConnection } from './errors/refuse-connection.js';
import { sendMatrixError } from './errors/send-matrix-error.js';
import { toMatrixError } from './errors/to-matrix-error.js';
import { CORS_HEADERS } from './hooks/cors.js';
import { withoutOldPrefix } from './routes/path-aliases.js';
import type { RouterOptions } from './routes/route-table.js';

export interface ListenerOptions {
  /** The largest body in bytes, unless a route says otherwise. */
  readonly bodyLimit?: number;
  /** Whether web pages may call it; true unless said otherwise. */
  readonly cors?: boolean;
  /** Proxies whose `X-Forwarded-For` is believed, as addresses or CIDR ranges. */
  readonly trustedProxies?: readonly string[];
  /** Ms within which a client must have sent its whole request. */
  readonly requestTimeoutMs?: number;
  /** PEM; makes the listener HTTPS. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}

/** Identifiers have at most 255 bytes, three characters each when percent-encoded; some routes take longer opaque values. */
const MAX_PARAM_LENGTH = 2048;
/** Longer than the idle time of common proxies, so that it is they who close idle connections. */
const KEEP_ALIVE_MS = 75_000;

/** The Fastify adapter of a listener, and how its router reads paths. */
export function createAdapter(options: ListenerOptions) {
  const routerOptions: RouterOptions = {
    caseSensitive: true,
    // `/state/{type}/` is `/state/{type}` with an empty state key.
    ignoreTrailingSlash: true,
    maxParamLength: MAX_PARAM_LENGTH,
  };
  const { trustedProxies = [], cors = true, tls } = options;
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    requestTimeout: options.requestTimeoutMs ?? 120_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    return503OnClosing: false,
    skipMiddie: true,
    routerOptions,
    rewriteUrl: ({ url = '' }) => withoutOldPrefix(url),
    clientErrorHandler: refuseConnection,
    // No hook runs before these, so they bring their headers themselves.
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      if (cors) void reply.headers(CORS_HEADERS);
      sendMatrixError(reply, toMatrixError(error));
    },
    ...(tls !== undefined && { https: tls }),
  });
  return { adapter, routerOptions };
}
