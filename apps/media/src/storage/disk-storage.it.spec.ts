import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskStorage } from './disk-storage.js';

describe('files on disk', () => {
  let folder: string;
  let storage: DiskStorage;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-media-'));
    storage = await DiskStorage.open(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const files = async () => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  };

  it('lie under their SHA-256, equal ones once, and come back as they were', async () => {
    const bytes = randomBytes(300_000);
    const sha256 = createHash('sha256').update(bytes).digest();
    const chunks = [bytes.subarray(0, 7), bytes.subarray(7, 200_000), bytes.subarray(200_000)];
    expect(await storage.put(Readable.from(chunks), 300_000)).toEqual({ sha256, size: 300_000 });
    await Promise.all([1, 2, 3].map(() => storage.put(Readable.from([bytes]), 300_000)));
    const name = sha256.toString('hex');
    expect(await files()).toEqual([join(folder, name.slice(0, 2), name.slice(2, 4), name)]);
    expect(await buffer(await storage.get(sha256))).toEqual(bytes);
  });

  it('may be empty', async () => {
    const { sha256, size } = await storage.put(Readable.from([]), 1);
    expect(size).toBe(0);
    expect(await buffer(await storage.get(sha256))).toHaveLength(0);
  });

  it('leave nothing behind when they are too large or break off', async () => {
    await expect(storage.put(Readable.from([Buffer.alloc(10), Buffer.alloc(1)]), 10)).rejects.toMatchObject({
      status: 413,
      errcode: 'M_TOO_LARGE',
    });
    const broken = Readable.from(
      (function* () {
        yield Buffer.alloc(10);
        throw new Error('gone');
      })(),
    );
    await expect(storage.put(broken, 100)).rejects.toThrow('gone');
    expect(await files()).toEqual([]);
  });

  it('that a crash left half-written long ago are removed, those being written are not', async () => {
    const [old, young] = [join(folder, 'incoming', 'old'), join(folder, 'incoming', 'young')];
    await writeFile(old, 'x');
    await writeFile(young, 'y');
    await utimes(old, 1, 1);
    await DiskStorage.open(folder);
    expect(await files()).toEqual([young]);
    expect(await readFile(young, 'utf8')).toBe('y');
  });
});
