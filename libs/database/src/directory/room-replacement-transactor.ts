import type { Database } from '../open-database.js';

/** Lets a room be found where another one was. */
export class RoomReplacementTransactor {
  constructor(private readonly database: Database) {}

  /**
   * Moves all aliases of a room to another one, and its place in the directory. Repeating it changes nothing more.
   * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
   */
  async takeOver(fromNid: number, toNid: number): Promise<void> {
    await this.database.db.transaction().execute(async (db) => {
      await db.updateTable('room_aliases').set({ room_nid: toNid }).where('room_nid', '=', fromNid).execute();
      const { numUpdatedRows } = await db
        .updateTable('rooms')
        .set({ in_directory: false })
        .where('room_nid', '=', fromNid)
        .where('in_directory', '=', true)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return;
      await db.updateTable('rooms').set({ in_directory: true }).where('room_nid', '=', toNid).execute();
    });
  }
}
