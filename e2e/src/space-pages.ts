import { path, query, type TestUser } from '@atoll/testing';

/** A room of a hierarchy, as far as tests look at it. */
export interface HierarchyRoom {
  room_id: string;
  name?: string;
  membership?: string;
  children_state: { state_key: string; content: Record<string, unknown>; origin_server_ts: number }[];
  [key: string]: unknown;
}

/** Every page of a space for a user; each page is asked for with the token of the one before. */
export async function hierarchyPages(
  user: TestUser,
  space: string,
  parameters: Record<string, string | number | boolean> = {},
): Promise<HierarchyRoom[][]> {
  const pages: HierarchyRoom[][] = [];
  let from: string | undefined;
  do {
    const page = await user.expect(
      'GET',
      path`/v1/rooms/${space}/hierarchy` + query({ ...parameters, from }),
    );
    pages.push(page['rooms'] as HierarchyRoom[]);
    from = page['next_batch'] as string | undefined;
  } while (from !== undefined);
  return pages;
}

/** The names of all rooms of a space that a user gets, in their order. */
export async function namesIn(
  user: TestUser,
  space: string,
  parameters: Record<string, string | number | boolean> = {},
): Promise<(string | undefined)[]> {
  return (await hierarchyPages(user, space, parameters)).flat().map(({ name }) => name);
}
