import type { EventId, RoomId, ServerName } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';

/** A checked event on its way to the owner of its room. */
export interface PduToStage {
  readonly roomId: RoomId;
  readonly partition: number;
  readonly eventId: EventId;
  /** The PDU's exact text. */
  readonly json: string;
}

/** Somebody else has taken over the transactions of this server. Nothing was written. */
export class TransactionClaimLost extends Error {
  override readonly name = 'TransactionClaimLost';
}

/**
 * Takes in transactions of other servers: of each server one at a time, over all instances. Whoever holds the claim of a server
 * renews it; a claim that was not renewed ends by the database's clock.
 */
export class ReceivedTransactionTransactor {
  constructor(private readonly database: Database) {}

  /** False while somebody else holds the claim. */
  async claim(origin: ServerName, claim: string, lifeMs: number): Promise<boolean> {
    const { numAffectedRows = 0n } = await sql`
      INSERT INTO transaction_claims AS c (origin, claim, expires_at)
      VALUES (${origin}, ${claim}, clock_timestamp() + ${lifeMs} * interval '1 millisecond')
      ON CONFLICT (origin) DO UPDATE SET claim = excluded.claim, expires_at = excluded.expires_at
      WHERE c.expires_at < clock_timestamp()`.execute(this.database.db);
    return numAffectedRows > 0n;
  }

  async renew(origin: ServerName, claim: string, lifeMs: number): Promise<void> {
    await this.database.db
      .updateTable('transaction_claims')
      .set({ expires_at: sql<Date>`clock_timestamp() + ${lifeMs} * interval '1 millisecond'` })
      .where('origin', '=', origin)
      .where('claim', '=', claim)
      .execute();
  }

  async release(origin: ServerName, claim: string): Promise<void> {
    await this.database.db
      .deleteFrom('transaction_claims')
      .where('origin', '=', origin)
      .where('claim', '=', claim)
      .execute();
  }

  /**
   * Writes what a transaction brought, with the answer to it, and gives up the claim.
   * @returns the rooms with events that were not staged before
   * @throws {@link TransactionClaimLost}
   */
  async record(
    origin: ServerName,
    claim: string,
    transaction: { readonly id: string; readonly response: string; readonly pdus: readonly PduToStage[] },
  ): Promise<Set<RoomId>> {
    const received_ts = Date.now();
    const { id: transaction_id, response, pdus } = transaction;
    return this.database.db.transaction().execute(async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom('transaction_claims')
        .where('origin', '=', origin)
        .where('claim', '=', claim)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw new TransactionClaimLost('the claim was lost');
      await db
        .insertInto('received_transactions')
        .values({ origin, transaction_id, response, received_ts })
        .execute();
      if (pdus.length === 0) return new Set();
      const rows = pdus.map(({ roomId: room_id, eventId: event_id, partition, json }) => ({
        ...{ room_id, partition, event_id, origin, json, received_ts },
      }));
      const staged = await db
        .insertInto('staged_pdus')
        .values(rows)
        .onConflict((conflict) => conflict.columns(['room_id', 'event_id']).doNothing())
        .returning('room_id')
        .execute();
      return new Set(staged.map(({ room_id }) => room_id));
    });
  }

  /** Forgets answers older than that, and claims that ended so long ago. */
  async deleteOlderThan(ageMs: number): Promise<void> {
    await this.database.db
      .deleteFrom('received_transactions')
      .where('received_ts', '<', Date.now() - ageMs)
      .execute();
    await this.database.db
      .deleteFrom('transaction_claims')
      .where('expires_at', '<', sql<Date>`clock_timestamp() - ${ageMs} * interval '1 millisecond'`)
      .execute();
  }
}
