import type { AuthenticationDeclaration } from './authentication/declare-authentication.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; without it the application refuses to start. */
    authentication?: AuthenticationDeclaration;
    /** The largest body in bytes. */
    bodyLimit?: number;
    /** The body is handed over as a stream, unread and unparsed. */
    streamBody?: boolean;
    /** The body holds events of other servers: numbers keep their source, and it may nest deeper. */
    exactJson?: boolean;
    /** The request may wait long for news; it does not count against the bound of requests in flight. */
    longPoll?: boolean;
  }
  interface FastifyRequest {
    /** Who makes the request, as its authenticator found; undefined on public routes. */
    requester: object | undefined;
  }
}
