/**
 * `*` stands for any characters, `?` for exactly one. Other than a regular expression made of the glob, this never takes more
 * steps than the product of both lengths, whoever wrote the glob.
 * @see https://spec.matrix.org/v1.19/appendices/#glob-style-matching
 */
export function matchesGlob(glob: string, text: string): boolean {
  let [inGlob, inText] = [0, 0];
  // The last star, and up to where it has swallowed text so far.
  let [star, swallowed] = [-1, 0];
  while (inText < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      swallowed = inText;
    } else if (glob[inGlob] === '?' || glob[inGlob] === text[inText]) {
      inGlob++;
      inText++;
    } else if (star >= 0) {
      inGlob = star + 1;
      inText = ++swallowed;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}
