/** Looks again and again until what is found fits; gives what was found last, for the test to compare. */
export async function eventually<T>(
  look: () => Promise<T>,
  fits: (found: T) => boolean,
  withinMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (fits(found) || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
