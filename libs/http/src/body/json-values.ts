const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** True when JSON text holds more values than `limit`, keys not counted; looks at the text once, at strings in strides. */
export function holdsMoreValues(text: string, limit: number): boolean {
  let values = 1;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) index = endOfString(text, index);
    // What holds n values has n - 1 commas and one of the others; what is empty counts as if it held one.
    else if (unit === COMMA || unit === OPEN_BRACKET || unit === OPEN_BRACE) {
      if (++values > limit) return true;
    }
  }
  return values > limit;
}

/** Where the string that begins at an index ends; the end of the text for one that does not. */
function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, index: number): boolean {
  let before = index;
  while (text.charCodeAt(before - 1) === BACKSLASH) before--;
  return (index - before) % 2 === 1;
}
