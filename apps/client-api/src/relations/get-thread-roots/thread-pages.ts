import { EventReader, type StoredEvent, type ThreadEntry, ThreadReader } from '@atoll/database';
import { isJsonObject, type JsonObject, type JsonValue } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type ServedEvent, type Viewer } from '../../events/client-events.js';
import { IgnoredUsers } from '../../events/ignored-users.js';

export interface ThreadRange {
  /** The point at which the latest reply of the first thread may be. */
  readonly from: number | undefined;
  readonly limit: number;
  /** Only threads in which the viewer takes part. */
  readonly participated: boolean;
}

export interface ThreadPage {
  readonly chunk: readonly JsonObject[];
  /** Where the next page starts; undefined when there is none. */
  readonly end: number | undefined;
}

/** Threads that one read takes at least while some of them may be left out. */
const MIN_READ = 20;
/** Reads for one answer: past this the client gets what there is and comes again. */
const MAX_READS = 10;

/** Fills a page with the roots of threads. */
@Injectable()
export class ThreadPages {
  constructor(
    private readonly threads: ThreadReader,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
    private readonly ignored: IgnoredUsers,
  ) {}

  async read(
    viewer: Viewer,
    roomNid: number,
    { from, limit, participated }: ThreadRange,
  ): Promise<ThreadPage> {
    const ignored = await this.ignored.of(viewer.userId);
    const chunk: JsonObject[] = [];
    let end = from;
    for (let reads = 0; reads < MAX_READS && chunk.length < limit; reads++) {
      const wanted = Math.max(limit - chunk.length, MIN_READ);
      // One more than wanted tells whether there is more.
      const read = await this.threads.latest(roomNid, end, wanted + 1);
      const roots = await this.serve(viewer, roomNid, read.slice(0, wanted), ignored);
      for (const [index, { rootId, position }] of read.entries()) {
        if (index === wanted || chunk.length === limit) break;
        end = position - 1;
        const root = roots.get(rootId);
        if (root !== undefined && isListed(root, participated)) chunk.push(root.body);
        if (index === read.length - 1) return { chunk, end: undefined };
      }
      if (read.length === 0) return { chunk, end: undefined };
    }
    return { chunk, end };
  }

  private async serve(
    viewer: Viewer,
    roomNid: number,
    entries: readonly ThreadEntry[],
    ignored: ReadonlySet<string>,
  ): Promise<Map<string, ServedEvent>> {
    const found = await this.events.byIds(entries.map(({ rootId }) => rootId));
    const roots = [...found.values()]
      .filter((root) => root.roomNid === roomNid)
      .map((root) => (ignored.has(root.pdu.sender) ? redacted(root) : root));
    const served = await this.clientEvents.serve(viewer, roots);
    return new Map(served.map((root) => [root.event.eventId, root]));
  }
}

/** What an ignored user began shows only that it is there. */
function redacted(root: StoredEvent): StoredEvent {
  const rules = rulesOf(root.roomVersion);
  return rules === undefined ? root : { ...root, pdu: redactEvent(root.pdu, rules) };
}

/** State events can be roots, but nothing is bundled with them. */
function isListed({ event, body }: ServedEvent, participated: boolean): boolean {
  const thread = entryOf(entryOf(body['unsigned'], 'm.relations'), 'm.thread');
  if (isJsonObject(thread)) return !participated || thread['current_user_participated'] === true;
  return !participated && event.pdu.state_key !== undefined;
}

function entryOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) ? value[key] : undefined;
}
