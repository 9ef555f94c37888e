import { isJsonObject, MatrixError, tooLarge, type JsonObject } from '@atoll/matrix';
import { z } from 'zod';

/** The field of a stream entry that holds a message; an entry may hold several. */
export const MESSAGE_FIELD = 'm';
/** Characters of a serialised message. */
export const MAX_MESSAGE_LENGTH = 1_048_576;

const requestSchema = z.object({
  id: z.string(),
  pattern: z.string(),
  version: z.int(),
  /** Which try of the caller this is; a refusal of an earlier try is of no interest any more. */
  attempt: z.int(),
  /**
   * Ms until the caller's deadline when it sent; absent when nobody waits. Counted from the entry's own id, by the clock
   * of Redis, so that the clocks of caller and handler are never compared.
   */
  ttl: z.number().optional(),
  /** The same key means the same wish, however often it arrives. */
  idempotencyKey: z.string(),
  partition: z.int().optional(),
  epoch: z.int().optional(),
  /** The stream for the answer; absent when nobody waits for one. */
  replyTo: z.string().optional(),
  /** W3C trace context of the caller's span. */
  traceparent: z.string().optional(),
  payload: z.unknown(),
});
export type RequestEnvelope = z.output<typeof requestSchema>;

const errorSchema = z.object({
  status: z.int(),
  errcode: z.string(),
  message: z.string(),
  extra: z.custom<JsonObject>(isJsonObject),
});

const replyTarget = { id: z.string(), attempt: z.int() };
const replySchema = z.discriminatedUnion('outcome', [
  /** `waited`: ms between the entry and its handler; the caller's measure of how loaded the instance is. */
  z.object({ ...replyTarget, outcome: z.literal('done'), waited: z.number(), output: z.unknown() }),
  z.object({ ...replyTarget, outcome: z.literal('failed'), waited: z.number(), error: errorSchema }),
  z.object({
    ...replyTarget,
    outcome: z.literal('not-owner'),
    owner: z.string().optional(),
    epoch: z.int().optional(),
  }),
  /** `supported`: the versions of this pattern that the instance knows; none when it does not know the pattern. */
  z.object({ ...replyTarget, outcome: z.literal('unsupported-version'), supported: z.array(z.int()) }),
]);
export type ReplyEnvelope = z.output<typeof replySchema>;
export type ReplyOutcome = ReplyEnvelope extends infer Reply
  ? Reply extends ReplyEnvelope
    ? Omit<Reply, keyof typeof replyTarget>
    : never
  : never;

/** Serialises a message. @throws MatrixError `M_TOO_LARGE` past the bound. */
export function encodeMessage(message: object): string {
  const text = JSON.stringify(message);
  if (text.length > MAX_MESSAGE_LENGTH) throw tooLarge('The request or its answer is too large');
  return text;
}

/** The requests of one stream entry; what cannot be read is left out. */
export const decodeRequests = (fields: readonly string[]) => decode(requestSchema, fields);
/** The replies of one stream entry; what cannot be read is left out. */
export const decodeReplies = (fields: readonly string[]) => decode(replySchema, fields);

function decode<Schema extends z.ZodType>(schema: Schema, fields: readonly string[]): z.output<Schema>[] {
  return messagesOf(fields).flatMap((text) => {
    const parsed = schema.safeParse(parseJson(text));
    return parsed.success ? [parsed.data] : [];
  });
}

/** The messages of one stream entry, as text. */
export function messagesOf(fields: readonly string[]): string[] {
  return fields.filter((_, index) => index % 2 === 1 && fields[index - 1] === MESSAGE_FIELD);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const toMatrixError = (error: z.output<typeof errorSchema>) =>
  new MatrixError(error.status, error.errcode, error.message, error.extra);
