import { histogram, withSpan } from '@atoll/telemetry';
import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { pathTemplate } from './path-template.js';
import type { SendResult } from './send-result.js';

const duration = histogram(
  'atoll_federation_request_duration_seconds',
  'Time of requests to other servers, discovery and all candidates included, by outcome',
);

interface Observed {
  readonly destination: string;
  readonly method: string;
  readonly path: string;
}

/** One client span and one duration for a request. Peers are told nothing of the trace: it is none of theirs. */
export function observed<Body>(
  { destination, method, path }: Observed,
  send: () => Promise<SendResult<Body>>,
): Promise<SendResult<Body>> {
  const template = pathTemplate(path);
  const attributes = {
    'server.address': destination,
    'http.request.method': method,
    'url.template': template,
  };
  const work = async (span: Span): Promise<SendResult<Body>> => {
    const started = performance.now();
    const result = await send();
    const outcome = result.outcome === 'failed' ? result.kind : result.outcome;
    duration.record((performance.now() - started) / 1000, { outcome });
    span.setAttribute('atoll.outcome', outcome);
    if (result.outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
    else span.setAttribute('http.response.status_code', result.status);
    return result;
  };
  return withSpan(`${method} ${template}`, attributes, work, { kind: SpanKind.CLIENT });
}
