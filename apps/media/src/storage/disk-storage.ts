import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { tooLarge } from '@atoll/matrix';

/** A file that is being written is younger than this: no upload takes so long. */
const ABANDONED_MS = 24 * 60 * 60_000;

export interface StoredFile {
  readonly sha256: Buffer;
  /** In bytes. */
  readonly size: number;
}

/**
 * Files on a local disk, each under the SHA-256 of its bytes: `ab/cd/abcd…`. A file appears there whole and durable or not
 * at all; equal files are one.
 */
export class DiskStorage {
  private constructor(
    private readonly folder: string,
    private readonly incoming: string,
  ) {}

  /** Makes the folder when it is missing, and removes what a crash left half-written. */
  static async open(folder: string): Promise<DiskStorage> {
    const incoming = join(folder, 'incoming');
    await mkdir(incoming, { recursive: true });
    for (const name of await readdir(incoming)) await removeAbandoned(join(incoming, name));
    return new DiskStorage(folder, incoming);
  }

  /**
   * Reads the stream to its end and keeps what it gave; resolves when the file would survive a loss of power.
   * @throws {MatrixError} 413 `M_TOO_LARGE` as soon as more than `maxBytes` came; then nothing is kept
   */
  async put(content: Readable, maxBytes: number): Promise<StoredFile> {
    const draft = join(this.incoming, randomUUID());
    try {
      const stored = await write(draft, content, maxBytes);
      await this.publish(draft, this.pathOf(stored.sha256));
      return stored;
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  /** A stream of a stored file. @throws {Error} `ENOENT` */
  async get(sha256: Buffer): Promise<Readable> {
    const file = await open(this.pathOf(sha256), 'r');
    return file.createReadStream();
  }

  private pathOf(sha256: Buffer): string {
    const name = sha256.toString('hex');
    return join(this.folder, name.slice(0, 2), name.slice(2, 4), name);
  }

  private async publish(draft: string, path: string): Promise<void> {
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    await rename(draft, path);
    // A name is durable when its folder is, and so is a new folder.
    for (const changed of [folder, dirname(folder), this.folder]) await syncFolder(changed);
  }
}

async function write(path: string, content: Readable, maxBytes: number): Promise<StoredFile> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    // A request that is destroyed could no longer be answered.
    for await (const chunk of content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(`The file is larger than ${maxBytes} bytes`);
      hash.update(chunk);
      await file.appendFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest(), size };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const { mtimeMs } = await stat(path);
  if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
}
