import { setTimeout as sleep } from 'node:timers/promises';
import { atLeast, type Bench, type Benchmark, type Figure } from '../benchmark.js';
import { microseconds, percentiles } from '../latency/sample-latency.js';
import { HttpLoad } from '../load/http-load.js';
import { LoadUser } from '../load/load-user.js';
import { type LoadRoom, RoomLoad } from '../load/room-load.js';
import { inParallel } from '../measure/closed-loop.js';
import { median } from '../measure/spread.js';
import { startDurablePostgres } from '../servers/servers.js';
import { startServices } from '../servers/services.js';

const PAGE = 100;
/** One message in so many holds the word. */
const RARE = 1000;
const WORDS = 'the community talks about boats and islands in the evening when water is calm '.split(' ');

/** Scrolling back to the beginning of a long room, and searching in it. */
export const history: Benchmark = {
  name: 'history',
  title: '/messages and search in a room with 100,000 events',
  async run(bench) {
    const messages = bench.pick(100_000, 2000);
    const postgres = await startDurablePostgres(bench);
    const { cluster } = await startServices(bench, postgres, 'atoll', { 'client-api': 1, 'room-state': 1 });
    const http = new HttpLoad(bench, cluster.clientUrl, 4);
    const load = await RoomLoad.connect(bench, cluster);
    const user = await LoadUser.register(http);
    const room: LoadRoom = { roomId: await user.createPublicRoom(), creator: user.userId };
    bench.progress(`sending ${messages} messages`);
    await inParallel(messages, 256, (index) => load.message(room, textOf(index)));

    const figures = await scrollBack(bench, user, room, messages);
    bench.progress('waiting for the index of search');
    const began = performance.now();
    while ((await user.search('lighthouse')) < messages / RARE) await sleep(500);
    const behind = (performance.now() - began) / 1000;
    figures.push({ what: 'search: index behind when scrolling was done', unit: 's', passes: [behind] });
    for (const [kind, term] of [
      ['a rare word', 'lighthouse'],
      ['a word in every message', 'community'],
      ['two words, one of them rare', 'lighthouse islands'],
      ['a word that is nowhere', 'submarine'],
    ] as const) {
      const times: number[] = [];
      let count = 0;
      for (let pass = 0; pass < bench.pick(15, 3); pass += 1) {
        const start = performance.now();
        count = await user.search(term);
        times.push(performance.now() - start);
      }
      bench.progress(`${kind}: ${count} found, ${median(times).toFixed(1)} ms`);
      figures.push({
        what: `search for ${kind} (${count.toLocaleString('en-US')} found)`,
        unit: 'ms',
        passes: times,
      });
    }
    bench.remark(
      `Pages of ${PAGE} from the newest to the oldest event, one after the other; searches by time with 3 events before and after each of 10 results.`,
    );
    return figures;
  },
};

function textOf(index: number): string {
  const some = WORDS.slice(index % 5);
  return [...some, `number${index}`, 'community', ...(index % RARE === 0 ? ['lighthouse'] : [])].join(' ');
}

/** Walks the whole room; the first and the last tenth of the pages are told apart. */
async function scrollBack(bench: Bench, user: LoadUser, room: LoadRoom, messages: number): Promise<Figure[]> {
  const times: number[] = [];
  let from: string | undefined;
  let events = 0;
  do {
    const began = performance.now();
    const page = await user.messages(room.roomId, PAGE, from);
    times.push(performance.now() - began);
    events += page.chunk.length;
    from = page.end;
  } while (from !== undefined);
  bench.progress(`${events} events in ${times.length} pages`);
  const tenth = Math.ceil(times.length / 10);
  return [
    ...pages('the newest tenth of the pages', times.slice(0, tenth)),
    ...pages('the oldest tenth of the pages', times.slice(-tenth)),
    { what: 'events met on the way', unit: '', passes: [events], goal: atLeast(messages, 'all') },
  ];
}

function pages(which: string, times: readonly number[]): Figure[] {
  const histogram = microseconds();
  for (const ms of times) histogram.recordValue(Math.round(ms * 1000));
  const { p50, p99 } = percentiles(histogram);
  return [
    { what: `/messages, ${which}, p50`, unit: 'ms', passes: [p50] },
    { what: `/messages, ${which}, p99`, unit: 'ms', passes: [p99] },
  ];
}
