import type { ServerName, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { holdDevices } from '../account/hold-devices.js';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type Delivery, planDeliveries, type Plan } from './plan-deliveries.js';
import { type Remembered, RememberedRequests } from './remembered-requests.js';
import type { LeftOut, OutgoingEdu, ToDeviceOutcome, ToDeviceRequest } from './to-device-request.js';
import { type KnownWaiting, waitingFor } from './waiting-for.js';

/** Of one statement: rows, and characters of their contents. */
const MAX_ROWS = 1_000;
const MAX_CONTENT_LENGTH = 1024 * 1024;

export interface SentToDevice {
  /** One for each request. */
  readonly outcomes: readonly ToDeviceOutcome[];
  /** Undefined when nothing was written. */
  readonly positions: TakenPositions | undefined;
}

interface OutgoingRow extends OutgoingEdu {
  readonly sender: UserId;
}

/** Writes messages to devices: the `to_device` stream, and what other servers are sent. */
export class ToDeviceTransactor {
  /** @param known one for the process */
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
    private readonly known: KnownWaiting,
  ) {}

  /**
   * 1. Remembers the requests, and passes over what was taken in before.
   * 2. Finds the devices concerned, and how much waits for them and for other servers.
   * 3. Decides whom each request reaches.
   * 4. Writes the messages in the order of the requests; their positions follow in the closing message.
   * 5. Remembers whom the requests left out; refused ones are forgotten.
   *
   * Once per transaction. Rows are locked in one order: requests, devices, destinations.
   */
  async send(requests: readonly ToDeviceRequest[]): Promise<SentToDevice> {
    const remembered = new RememberedRequests(this.transaction);
    // Of equal ones the first goes on.
    const distinct = [...Map.groupBy(requests, ({ key }) => key).values()].flatMap(([first]) => first ?? []);
    const held = await remembered.hold(distinct);
    const open = distinct.filter(({ key }) => held.get(key) !== 'complete');
    const waiting = await waitingFor(this.transaction, this.known, open);
    const plans = new Map<string, Plan>();
    for (const request of open) {
      plans.set(request.key, planDeliveries(request, waiting, leftOutBy(held.get(request.key))));
    }
    const positions = await this.write(
      open.flatMap(({ key }) => plans.get(key)?.deliveries ?? []),
      open.flatMap(({ key, sender }) => (plans.get(key)?.edus ?? []).map((edu) => ({ ...edu, sender }))),
    );
    await this.settle(remembered, held, open, plans);
    const answered = new Set<string>();
    const outcomes = requests.map((request): ToDeviceOutcome => {
      const outcome = plans.get(request.key)?.outcome ?? { outcome: 'repeated' };
      if (answered.has(request.key) && isDone(request, outcome)) return { outcome: 'repeated' };
      answered.add(request.key);
      return outcome;
    });
    return { outcomes, positions };
  }

  private async settle(
    remembered: RememberedRequests,
    held: ReadonlyMap<string, Remembered>,
    open: readonly ToDeviceRequest[],
    plans: ReadonlyMap<string, Plan>,
  ): Promise<void> {
    const changed = new Map<string, LeftOut | undefined>();
    const refused: string[] = [];
    for (const request of open) {
      const { key } = request;
      const plan = plans.get(key);
      const isNew = held.get(key) === 'new';
      if (plan?.outcome.outcome !== 'taken_in') {
        if (isNew) refused.push(key);
      } else if (!isDone(request, plan.outcome)) changed.set(key, plan.leftOut);
      else if (!isNew) changed.set(key, undefined);
    }
    await remembered.setLeftOut(changed);
    await remembered.forget(refused);
  }

  private async write(
    deliveries: readonly Delivery[],
    edus: readonly OutgoingRow[],
  ): Promise<TakenPositions | undefined> {
    const messageNids = await this.insertDeliveries(deliveries);
    const eduNids = await this.insertOutgoing(edus);
    const count = messageNids.length + eduNids.length;
    if (count === 0) return undefined;
    const positions = this.closing.take('to_device', count);
    const place = (table: string, key: string, nids: readonly number[], first: number) => {
      if (nids.length === 0) return;
      this.closing.add(sql`
        UPDATE ${sql.table(table)} AS t SET position = ${positions.sql(first)} + n.index - 1
        FROM unnest(${sql.lit(`{${nids.join(',')}}`)}::bigint[]) WITH ORDINALITY AS n(nid, index)
        WHERE t.${sql.ref(key)} = n.nid`);
    };
    place('to_device', 'message_nid', messageNids, 0);
    place('outgoing_to_device', 'edu_nid', eduNids, messageNids.length);
    return positions;
  }

  /** One whose device was deleted meanwhile is not written. */
  private async insertDeliveries(deliveries: readonly Delivery[]): Promise<number[]> {
    const held = await holdDevices(this.transaction, deliveries);
    const nids: number[] = [];
    for (const slice of slicesOf(held)) nids.push(...(await this.insertSlice(slice)));
    return nids;
  }

  /** What goes to many devices is sent to the database once. */
  private async insertSlice(deliveries: readonly Delivery[]): Promise<number[]> {
    const contents = [...new Set(deliveries.map(({ content }) => content))];
    const places = new Map(contents.map((content, index) => [content, index + 1]));
    const { rows } = await sql<{ nid: number }>`
      INSERT INTO to_device (user_id, device_id, position, sender, type, content)
      SELECT d.user_id, d.device_id, 0, d.sender, d.type, c.content
      FROM unnest(${deliveries.map((d) => d.userId)}::text[], ${deliveries.map((d) => d.deviceId)}::text[],
        ${deliveries.map((d) => d.sender)}::text[], ${deliveries.map((d) => d.type)}::text[],
        ${deliveries.map((d) => places.get(d.content))}::int[])
        WITH ORDINALITY AS d(user_id, device_id, sender, type, place, index)
      JOIN unnest(${contents}::text[]) WITH ORDINALITY AS c(content, place) ON c.place = d.place
      ORDER BY d.index RETURNING message_nid AS nid`.execute(this.transaction);
    return rows.map(({ nid }) => nid);
  }

  private async insertOutgoing(edus: readonly OutgoingRow[]): Promise<number[]> {
    if (edus.length === 0) return [];
    const partitions = new Map(edus.map(({ destination, partition }) => [destination, partition]));
    // What the sender keeps of a destination hangs on this row: here it is only made to be there.
    await this.transaction
      .insertInto('destinations')
      .values(
        destinationsOf(edus).map((destination) => {
          return { destination, partition: partitions.get(destination) ?? 0, sent_position: 0 };
        }),
      )
      .onConflict((conflict) => conflict.column('destination').doNothing())
      .execute();
    const nids: number[] = [];
    for (const slice of slicesOf(edus)) {
      const { rows } = await sql<{ nid: number }>`
        INSERT INTO outgoing_to_device (destination, position, sender, content)
        SELECT destination, 0, sender, content FROM unnest(${slice.map((e) => e.destination)}::text[],
          ${slice.map((e) => e.sender)}::text[], ${slice.map((e) => e.content)}::text[]) AS e(destination, sender, content)
        RETURNING edu_nid AS nid`.execute(this.transaction);
      nids.push(...rows.map(({ nid }) => nid));
    }
    return nids;
  }
}

const leftOutBy = (remembered: Remembered | undefined) =>
  typeof remembered === 'object' ? remembered : undefined;

/** Whether a repeated request has nothing more to bring. */
function isDone({ whenFull }: ToDeviceRequest, outcome: ToDeviceOutcome): boolean {
  return outcome.outcome === 'taken_in' && (outcome.leftOut === 0 || whenFull === 'leave_out');
}

/** So many that a statement of them does not take long to make, each content counted once. */
function* slicesOf<T extends { readonly content: string }>(items: readonly T[]): Generator<T[]> {
  let slice: T[] = [];
  let contents = new Set<string>();
  let length = 0;
  for (const item of items) {
    slice.push(item);
    if (!contents.has(item.content)) length += item.content.length;
    contents.add(item.content);
    if (slice.length < MAX_ROWS && length < MAX_CONTENT_LENGTH) continue;
    yield slice;
    [slice, contents, length] = [[], new Set(), 0];
  }
  if (slice.length > 0) yield slice;
}

function destinationsOf(edus: readonly OutgoingEdu[]): ServerName[] {
  return [...new Set(edus.map(({ destination }) => destination))].toSorted();
}
