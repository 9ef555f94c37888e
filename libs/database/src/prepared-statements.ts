/** Sent as often, a statement is prepared: what is sent once costs no memory in PostgreSQL. */
const SENT_BEFORE = 5;
/** Statements whose text differs each time must not fill the memory of PostgreSQL, or of this process. */
const MAX_PREPARED = 500;
const MAX_COUNTED = 2_000;
const MAX_LENGTH = 4_096;
/** A statement with a parameter for each value of its rows is another one for each number of them. */
const HAS_ROWS = /\bvalues\s*\((?:[^()]|\([^()]*\))*\)\s*,\s*\(/i;
/** Of tables whose columns may change while the statement is prepared, such as by the migration of a newer version. */
const HAS_OPEN_COLUMNS = /(\.\*|select \*|returning \*)/i;
const IS_PLANNED = /^\s*(select|with|insert|update|delete)\b/i;

/**
 * Which statements PostgreSQL keeps, under which names: those that this process sends again and again. Parsing and planning costs more than
 * most of them. A connection prepares a statement when it sends it for the first time under its name; after five times PostgreSQL
 * plans it no more, where a plan for any parameters is as good (`plan_cache_mode` auto).
 */
export class PreparedStatements {
  private readonly names = new Map<string, string>();
  /** How often others were sent; of those that are never prepared, nothing more is counted. */
  private readonly counts = new Map<string, number>();

  /** The name under which to send a statement now; none for one that is not worth it. */
  nameOf(text: string): string | undefined {
    if (text.length > MAX_LENGTH) return undefined;
    const name = this.names.get(text);
    if (name !== undefined || this.names.size >= MAX_PREPARED) return name;
    const count = (this.counts.get(text) ?? 0) + 1;
    if (count <= SENT_BEFORE || !isWorthIt(text)) {
      if (this.counts.size >= MAX_COUNTED) this.counts.clear();
      this.counts.set(text, count <= SENT_BEFORE ? count : Number.NEGATIVE_INFINITY);
      return undefined;
    }
    this.counts.delete(text);
    const given = `s${this.names.size + 1}`;
    this.names.set(text, given);
    return given;
  }
}

function isWorthIt(text: string): boolean {
  return IS_PLANNED.test(text) && !HAS_OPEN_COLUMNS.test(text) && !HAS_ROWS.test(text);
}
