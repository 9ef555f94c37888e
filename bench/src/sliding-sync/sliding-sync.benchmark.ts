import { below, type Benchmark, type Figure, type Goal } from '../benchmark.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { inParallel } from '../measure/closed-loop.js';
import { startOneOfEach } from '../servers/services.js';

const WINDOW = 20;
/** What Element X asks for of each room. */
const STATE = [
  ['m.room.name', ''],
  ['m.room.avatar', ''],
  ['m.room.topic', ''],
  ['m.room.encryption', ''],
  ['m.room.power_levels', ''],
  ['m.room.member', '$ME'],
  ['m.room.member', '$LAZY'],
  ['m.room.create', ''],
];

/** What a client waits for when it starts, and while its user scrolls the list of rooms. */
export const slidingSync: Benchmark = {
  name: 'sliding-sync',
  title: 'simplified sliding sync of an account with 1,000 rooms',
  async run(bench) {
    const rooms = bench.pick(1000, 60);
    const { cluster } = await startOneOfEach(bench);
    const http = new HttpLoad(bench, cluster.clientUrl, 16);
    const [alice, bob] = [await LoadUser.register(http), await LoadUser.register(http)];
    bench.progress(`making ${rooms} rooms`);
    await inParallel(rooms, 8, async () => {
      const roomId = await alice.createPublicRoom();
      await bob.join(roomId);
      for (let n = 0; n < 5; n++) await bob.send(roomId, `message ${n}`);
    });

    const passes = bench.pick(30, 5);
    const measured = { first: [] as number[], nothing: [] as number[], window: [] as number[] };
    for (let pass = 0; pass < passes; pass++) {
      const client = new SlidingConnection(alice, `pass${pass}`);
      measured.first.push(await client.ask([[0, WINDOW - 1]]));
      measured.nothing.push(await client.ask([[0, WINDOW - 1]]));
      measured.window.push(await client.ask([[0, 2 * WINDOW - 1]]));
    }
    bench.remark(
      `${rooms} rooms of two members, each with 5 messages; windows of ${WINDOW} rooms, 20 events of each, the state that Element X asks for. ` +
        `${passes} connections one after the other, each pass one of them; one client-api, which had answered nothing before the first.`,
    );
    return [
      figure('first answer', measured.first, below(100, '< 100 ms')),
      figure('nothing new', measured.nothing),
      figure('the next window', measured.window),
    ];
  },
};

class SlidingConnection {
  private pos: string | undefined;

  constructor(
    private readonly user: LoadUser,
    private readonly connId: string,
  ) {}

  /** @returns ms until the whole answer was there */
  async ask(ranges: number[][]): Promise<number> {
    const query = this.pos === undefined ? '' : `?pos=${encodeURIComponent(this.pos)}`;
    const lists = { all: { ranges, timeline_limit: 20, required_state: STATE } };
    const body = { conn_id: this.connId, lists };
    const path = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${query}`;
    const began = performance.now();
    const answer = await this.user.http.request<{ pos: string }>('POST', path, this.user.token, body);
    this.pos = answer.pos;
    return performance.now() - began;
  }
}

function figure(what: string, passes: readonly number[], goal?: Goal): Figure {
  return { what, unit: 'ms', passes, ...(goal && { goal }) };
}
