import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MatrixError } from '@atoll/matrix';

const REFUSALS: Readonly<Record<string, MatrixError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new MatrixError(408, 'M_UNKNOWN', 'The request took too long to arrive'),
  HPE_HEADER_OVERFLOW: new MatrixError(431, 'M_UNKNOWN', 'The header of the request is too large'),
};
const NO_REQUEST = new MatrixError(400, 'M_UNKNOWN', 'This is no HTTP request');

/** Answers what Node could not read as a request, in Matrix's form, and closes the connection. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const answer = REFUSALS[error.code ?? ''] ?? NO_REQUEST;
  const body = JSON.stringify(answer.body());
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
}
