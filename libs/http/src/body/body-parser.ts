import type { IncomingMessage } from 'node:http';
import { tooLarge } from '@atoll/matrix';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseExactJsonBody, parseJsonBody } from './json-body.js';

/** Replaces Fastify's parsers: every body is JSON, except on routes that take it as a stream. */
export function addBodyParser(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { bodyLimit, config } = request.routeOptions;
    if (config.streamBody === true) return payload;
    const bytes = await readBytes(payload, bodyLimit, Number(request.headers['content-length']));
    return config.exactJson === true ? parseExactJsonBody(bytes) : parseJsonBody(bytes);
  });
  instance.addHook('onRoute', (route) => {
    if (route.config?.streamBody !== true)
      route.onRequest = [acceptAnyContentType, ...[route.onRequest ?? []].flat()];
  });
}

/** Fastify would refuse a content type that it cannot read before it asks the parser. */
function acceptAnyContentType(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const { headers } = request.raw;
  if (headers['content-type'] !== undefined) headers['content-type'] = 'application/json';
  done();
}

/**
 * A client that is still sending when its connection closes never reads the refusal, so what is too large is read to
 * its end and thrown away, up to a bound.
 */
const DISCARDED_BYTES = 32 * 1024 * 1024;

function readBytes(payload: IncomingMessage, limit: number, announced: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const refuse = () => {
      reject(tooLarge(`The body is larger than ${limit} bytes`));
    };
    if (announced > limit + DISCARDED_BYTES) {
      refuse();
      return;
    }
    let chunks: Buffer[] = [];
    let length = 0;
    payload.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        return;
      }
      chunks = [];
      if (length > limit + DISCARDED_BYTES) {
        payload.removeAllListeners('data');
        refuse();
      }
    });
    payload.once('end', () => {
      if (length > limit) refuse();
      else
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length));
    });
    payload.once('error', reject);
  });
}
