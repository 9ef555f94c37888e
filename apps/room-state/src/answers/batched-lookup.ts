import { isRetryable } from '@atoll/database';

interface Asked<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects the keys asked for in one turn of the event loop and looks them up with one query. */
export class BatchedLookup<Key, Value> {
  private waiting: Asked<Key, Value>[] = [];

  constructor(
    private readonly find: (keys: Key[]) => Promise<Value[]>,
    private readonly nameOfKey: (key: Key) => string,
    private readonly nameOfValue: (value: Value) => string,
  ) {}

  get(key: Key): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) setImmediate(() => void this.flush());
      this.waiting.push({ key, resolve, reject });
    });
  }

  private async flush(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    try {
      await this.answer(batch);
    } catch (error) {
      if (batch.length === 1 || isRetryable(error)) for (const { reject } of batch) reject(error);
      // One key that the database refuses must not be the end of the others.
      else
        for (const one of batch) {
          this.answer([one]).catch((failure: unknown) => {
            one.reject(failure);
          });
        }
    }
  }

  private async answer(batch: readonly Asked<Key, Value>[]): Promise<void> {
    const values = await this.find(batch.map(({ key }) => key));
    const byName = new Map(values.map((value) => [this.nameOfValue(value), value]));
    for (const { key, resolve } of batch) resolve(byName.get(this.nameOfKey(key)));
  }
}
