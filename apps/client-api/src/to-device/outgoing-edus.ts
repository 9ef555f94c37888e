import type { UserId } from '@atoll/matrix';
import { randomBytes } from 'node:crypto';

/** A message to one device, or to all of a user. */
export interface NamedMessage {
  readonly userId: UserId;
  /** Or `*`. */
  readonly deviceId: string;
  /** JSON */
  readonly content: string;
}

/** Servers take EDUs that are as large as events may be. */
export const MAX_EDU_BYTES = 65_536;
/** Of 32 that the specification allows. */
const MESSAGE_ID_BYTES = 18;

/**
 * Contents of `m.direct_to_device` EDUs that bring the messages to one server, as JSON: as few as their size allows.
 * @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export function outgoingEdus(
  sender: UserId,
  type: string,
  messages: readonly NamedMessage[],
): readonly string[] {
  const edus: string[] = [];
  let chunk: NamedMessage[] = [];
  let bytes = 0;
  const end = () => {
    if (chunk.length > 0) edus.push(eduOf(sender, type, chunk));
    [chunk, bytes] = [[], 0];
  };
  for (const message of messages) {
    const size = sizeAlone(sender, type, message);
    // Together they are never larger than the sum of what each takes alone.
    if (bytes + size > MAX_EDU_BYTES) end();
    chunk.push(message);
    bytes += size;
  }
  end();
  return edus;
}

/** The size of the EDU with this message alone, in bytes. */
export function sizeAlone(sender: UserId, type: string, message: NamedMessage): number {
  const edu = `{"edu_type":"m.direct_to_device","content":${eduOf(sender, type, [message])}}`;
  return Buffer.byteLength(edu);
}

function eduOf(sender: UserId, type: string, messages: readonly NamedMessage[]): string {
  const byUser = Array.from(
    Map.groupBy(messages, ({ userId }) => userId),
    ([userId, ofUser]) => {
      const devices = ofUser.map(({ deviceId, content }) => `${JSON.stringify(deviceId)}:${content}`);
      return `${JSON.stringify(userId)}:{${devices.join(',')}}`;
    },
  );
  const message_id = randomBytes(MESSAGE_ID_BYTES).toString('base64url');
  const head = JSON.stringify({ sender, type, message_id }).slice(0, -1);
  return `${head},"messages":{${byUser.join(',')}}}`;
}
