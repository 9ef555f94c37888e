import type { RedisConnection } from './connect-redis.js';
import { MESSAGE_FIELD } from './envelope.js';

const MAX_MESSAGES_PER_ENTRY = 32;
const MAX_ENTRY_LENGTH = 262_144;

interface Batch {
  readonly fields: string[];
  length: number;
  readonly written: Promise<string | null>;
  readonly resolve: (id: Promise<string | null>) => void;
}

/** How a stream comes to be: never by a write (its reader keeps it), or by it, with a bound or without. */
export type WriteMode = 'existing' | 'create' | { readonly maxLength: number };

/**
 * Appends messages; those of one turn of the event loop to one stream become one entry.
 * That halves the cost of a message under load and adds no delay when there is just one.
 */
export class StreamWriter {
  private batches = new Map<string, Batch>();

  constructor(
    private readonly redis: RedisConnection,
    private readonly mode: WriteMode,
  ) {}

  /** The id of the entry, or null when the stream does not exist and may not be created by a write. */
  write(key: string, message: string): Promise<string | null> {
    let batch = this.batches.get(key);
    if (
      batch &&
      (batch.length + message.length > MAX_ENTRY_LENGTH || batch.fields.length >= MAX_MESSAGES_PER_ENTRY * 2)
    ) {
      this.batches.delete(key);
      this.flush(key, batch);
      batch = undefined;
    }
    if (!batch) {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      batch = { fields: [], length: 0, written: promise, resolve };
      if (this.batches.size === 0)
        setImmediate(() => {
          this.flushAll();
        });
      this.batches.set(key, batch);
    }
    batch.fields.push(MESSAGE_FIELD, message);
    batch.length += message.length;
    return batch.written;
  }

  /** Sends what has gathered now. */
  flushAll(): void {
    const batches = this.batches;
    this.batches = new Map();
    for (const [key, batch] of batches) this.flush(key, batch);
  }

  private flush(key: string, batch: Batch): void {
    if (this.mode === 'existing') batch.resolve(this.redis.xadd(key, 'NOMKSTREAM', '*', ...batch.fields));
    else if (this.mode === 'create') batch.resolve(this.redis.xadd(key, '*', ...batch.fields));
    else batch.resolve(this.redis.xadd(key, 'MAXLEN', '~', this.mode.maxLength, '*', ...batch.fields));
  }
}
