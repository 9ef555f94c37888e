import { path, query, type ClientEvent } from '@atoll/testing';
import type { Person } from '../person.js';

/** One answer of `/messages`. */
export interface Page {
  readonly from: string | undefined;
  readonly chunk: readonly ClientEvent[];
}

/** More pages than any room here has. */
const pageBound = 40;

/** The history of a room in pages of ten events, empty ones left out. @throws Error when it does not end */
export async function everyPage(
  roomId: string,
  { user }: Person,
  dir: 'b' | 'f',
  start?: string,
): Promise<Page[]> {
  const pages: Page[] = [];
  let from = start;
  for (let page = 0; page < pageBound; page += 1) {
    const target = path`/v3/rooms/${roomId}/messages` + query({ dir, limit: 10, from });
    const { chunk = [], end } = await user.expect('GET', target);
    if (chunk.length > 0) pages.push({ from, chunk });
    if (end === undefined || (dir === 'f' && chunk.length === 0)) return pages;
    from = end;
  }
  const came = pages.map(({ from: token, chunk }) => `${token ?? 'the start'}: ${chunk.length}`).join(', ');
  throw new Error(
    `${user.userId} gets no end of the history (dir=${dir}) in ${pageBound} pages, now at ${from ?? 'none'}; events from ${came}`,
  );
}
