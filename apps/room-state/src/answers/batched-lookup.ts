/** Collects the keys asked for in one turn of the event loop and looks them up with one query. */
export class BatchedLookup<Key, Value> {
  private waiting: {
    key: Key;
    resolve: (value: Value | undefined) => void;
    reject: (error: unknown) => void;
  }[] = [];

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
      const values = await this.find(batch.map(({ key }) => key));
      const byName = new Map(values.map((value) => [this.nameOfValue(value), value]));
      for (const { key, resolve } of batch) resolve(byName.get(this.nameOfKey(key)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
