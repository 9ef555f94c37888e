const LARGEST_GROUP = 5000;

/** Parts a list so that the sizes in each part add up to a bounded sum, or the part has one item alone. */
export function groupBySize<T>(items: readonly T[], sizeOf: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = groups.at(-1);
    if (last && size <= room) last.push(item);
    else groups.push([item]);
    room = (last && size <= room ? room : LARGEST_GROUP) - size;
  }
  return groups;
}
