import type { Database } from '../open-database.js';

/** Puts rooms into this server's room directory and takes them out. */
export class PublishedRoomTransactor {
  constructor(private readonly database: Database) {}

  async setPublished(roomNid: number, published: boolean): Promise<void> {
    await this.database.db
      .updateTable('rooms')
      .set({ in_directory: published })
      .where('room_nid', '=', roomNid)
      .execute();
  }
}
