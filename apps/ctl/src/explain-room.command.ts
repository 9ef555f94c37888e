import { EventReader } from '@atoll/database';
import { type EventId, isEventId } from '@atoll/matrix';
import { type ExplainedKey, rulesOf, type RoomVersionRules, splitStateKey } from '@atoll/room-rules';
import { CommandFailed } from './command-failed.js';
import { type Branch, ForkStates } from './fork-states.js';
import { print, printTable } from './output.js';
import { withRoom } from './room.command.js';

/**
 * Tells for every key that was in conflict at an event what each branch held, which events were checked and by which rule they were
 * rejected, and why the outcome is what it is.
 * @throws CommandFailed when the event is not of this room
 */
export async function explainRoom(roomId: string, causeId: string): Promise<void> {
  await withRoom(roomId, async (database, room) => {
    const rules = rulesOf(room.version);
    if (!rules) throw new CommandFailed(`room version ${room.version} is not supported`);
    const known = isEventId(causeId)
      ? await new EventReader(database).byIds([causeId])
      : new Map<never, never>();
    const event = known.get(causeId as EventId);
    if (event?.roomNid !== room.roomNid) throw new CommandFailed(`${causeId} is no event of this room`);
    const forks = new ForkStates(database);
    print('State before the event: of those after its predecessors');
    await explain(forks, await forks.beforeEvent(event), rules);
    print('');
    print('State of the room since: of that before and that after the event');
    await explain(forks, await forks.aroundEvent(event), rules);
  });
}

async function explain(
  forks: ForkStates,
  branches: readonly Branch[],
  rules: RoomVersionRules,
): Promise<void> {
  if (branches.length < 2) {
    print('nothing was resolved: less than two states are known');
    return;
  }
  const keys = await forks.explain(branches, rules);
  if (keys.length === 0) print('nothing was in conflict');
  else
    printTable(
      ['KEY', 'WHAT', 'WHERE', 'EVENT', 'WHY'],
      keys.flatMap((key) => rowsOf(key, branches)),
    );
}

function rowsOf(
  { key, held, steps, outcome, because }: ExplainedKey,
  branches: readonly Branch[],
): string[][] {
  const [type, stateKey] = splitStateKey(key);
  const rows = [
    ...held.map((id, index) => ['held', branches[index]?.name ?? '', id ?? '-', '']),
    ...steps.map(({ phase, eventId, rejection }) => [
      'checked',
      phase,
      eventId,
      rejection ? `rejected by rule ${rejection.rule}: ${rejection.reason}` : 'allowed',
    ]),
    ['outcome', '', outcome ?? '-', because],
  ];
  return rows.map((row, index) => [index === 0 ? `${type} ${JSON.stringify(stateKey)}` : '', ...row]);
}
