import { isJsonObject, MatrixError, type JsonObject, type JsonValue, type ServerName } from '@atoll/matrix';
import type { HttpAnswer } from '../http/exchange.js';
import { parseJsonAnswer } from '../http/json-answer.js';
import type { OutboundErrorKind } from '../http/outbound-error.js';

/** What became of a request to another server. */
export type SendResult<Body = JsonValue> =
  /** 2xx with what was asked for: JSON, or any bytes. */
  | { readonly outcome: 'answered'; readonly status: number; readonly body: Body }
  /** Any other status; without a Matrix error in a body of at most 64 KiB, `errcode` is `M_UNKNOWN` and the body empty. */
  | Failure;

type Failure =
  | {
      readonly outcome: 'refused';
      readonly status: number;
      readonly errcode: string;
      readonly body: JsonObject;
    }
  /** No usable answer. `error` is fit for clients: it says nothing about addresses. */
  | { readonly outcome: 'failed'; readonly kind: OutboundErrorKind; readonly error: MatrixError };

/** Errors are short, and read on the event loop. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Reads an answer; the destination is only named in errors.
 * @param read the body of a good answer; `undefined` when it is not usable
 */
export function readAnswer<Body>(
  destination: ServerName,
  { status, body }: HttpAnswer,
  read: (body: Buffer) => Body | undefined,
): SendResult<Body> {
  if (status < 200 || status >= 300) return refusal(status, body);
  const value = read(body);
  return value === undefined ? failed(destination, 'protocol') : { outcome: 'answered', status, body: value };
}

function refusal(status: number, body: Buffer): Failure {
  const value = body.length > MAX_REFUSAL_BYTES ? undefined : parseJsonAnswer(body);
  const errcode = isJsonObject(value) && Object.hasOwn(value, 'errcode') ? value['errcode'] : undefined;
  return isJsonObject(value) && typeof errcode === 'string'
    ? { outcome: 'refused', status, errcode, body: value }
    : { outcome: 'refused', status, errcode: 'M_UNKNOWN', body: {} };
}

/** The failure as clients may see it; which address was denied, or whether any was, is not theirs to know. */
export function failed(destination: ServerName, kind: OutboundErrorKind): Failure {
  return { outcome: 'failed', kind, error: matrixError(destination, kind) };
}

function matrixError(destination: ServerName, kind: OutboundErrorKind): MatrixError {
  switch (kind) {
    case 'timeout':
      return new MatrixError(504, 'M_UNKNOWN', `The server ${destination} did not answer in time`);
    case 'too-large':
    case 'protocol':
      return new MatrixError(502, 'M_UNKNOWN', `The server ${destination} gave no usable answer`);
    default:
      return new MatrixError(502, 'M_UNKNOWN', `The server ${destination} cannot be reached`);
  }
}
