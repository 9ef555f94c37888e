import {
  type Database,
  SlidingConnectionReader,
  SlidingConnectionTransactor,
  type SlidingConnectionOwner,
  type SlidingMemoryKey,
} from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../../platform/tokens.js';
import type { ConnectionMemory } from './connection-memory.js';
import { readMemory, writeMemory } from './stored-memory.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Connections that were not used for so long are gone. */
const LIFE_MS = 30 * DAY_MS;

/** Keeps what clients know in PostgreSQL, so that any instance goes on where another has answered. */
@Injectable()
export class Connections {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly reader: SlidingConnectionReader,
  ) {}

  /** Undefined when it is gone, was never the owner's, or was written by a later release. */
  async find(owner: SlidingConnectionOwner, key: SlidingMemoryKey): Promise<ConnectionMemory | undefined> {
    const found = await this.reader.find(owner, key);
    const now = Date.now();
    if (found === undefined || found.usedTs < now - LIFE_MS) return undefined;
    // Answers that change nothing are not written down; that they are asked for is, once a day.
    if (found.usedTs < now - DAY_MS) {
      await this.write((connections) => connections.markUsed(key.connectionNid, now));
    }
    return readMemory(found.memory);
  }

  /**
   * Undefined when the owner's device is gone.
   * @throws MatrixError 400 `M_INVALID_PARAM` when that is too much to remember: to start anew would not help
   */
  async open(owner: SlidingConnectionOwner, memory: ConnectionMemory): Promise<SlidingMemoryKey | undefined> {
    const now = Date.now();
    const text = writeMemory(memory);
    if (text === undefined) {
      throw new MatrixError(
        400,
        'M_INVALID_PARAM',
        'The request asks for too much different state in too many rooms',
      );
    }
    return this.write(async (connections) => {
      await connections.deleteUnused(now - LIFE_MS);
      return connections.open(owner, text, now);
    });
  }

  /**
   * Undefined when the base is gone, or when there would be too much to remember: what the client asked for in the past is part of
   * it, and goes when it starts anew.
   */
  async advance(base: SlidingMemoryKey, memory: ConnectionMemory): Promise<SlidingMemoryKey | undefined> {
    const text = writeMemory(memory);
    if (text === undefined) return undefined;
    return this.write((connections) => connections.advance(base, text, Date.now()));
  }

  private write<T>(work: (connections: SlidingConnectionTransactor) => Promise<T>): Promise<T> {
    return this.database.db
      .transaction()
      .execute((transaction) => work(new SlidingConnectionTransactor(transaction)));
  }
}
