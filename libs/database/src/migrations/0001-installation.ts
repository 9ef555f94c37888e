import { type Kysely, sql } from 'kysely';

/**
 * What may never change, who is alive, who owns which partition, and the two functions that commits rely on.
 *
 * - `take_positions` locks the lane, then takes `count` consecutive positions. plpgsql runs its statements one after the other, so
 *   no position exists before the lock is held.
 * - `fence_partitions` locks the partition rows in share mode (commits of one owner do not wait for each other; a new owner
 *   waits for them), then compares. The second statement has its own snapshot, so it sees what a takeover committed meanwhile.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE installation (
       one boolean PRIMARY KEY DEFAULT true CHECK (one),
       server_name text NOT NULL,
       partitions integer NOT NULL CHECK (partitions > 0),
       created_at timestamptz NOT NULL DEFAULT now())`,
    `CREATE TABLE members (
       kind text COLLATE "C" NOT NULL,
       instance text COLLATE "C" NOT NULL,
       expires_at timestamptz NOT NULL,
       leaving boolean NOT NULL DEFAULT false,
       PRIMARY KEY (kind, instance)) WITH (fillfactor = 50)`,
    `CREATE TABLE partitions (
       kind text COLLATE "C" NOT NULL,
       partition integer NOT NULL,
       owner text COLLATE "C",
       epoch bigint NOT NULL DEFAULT 0,
       PRIMARY KEY (kind, partition)) WITH (fillfactor = 50)`,
    `CREATE FUNCTION take_positions(lane integer, sequence regclass, count integer) RETURNS bigint
     LANGUAGE plpgsql VOLATILE AS $$
     DECLARE
       first bigint;
     BEGIN
       PERFORM pg_advisory_xact_lock(1096045676, lane);
       first := nextval(sequence);
       IF count > 1 THEN
         PERFORM setval(sequence, first + count - 1);
       END IF;
       RETURN first;
     END $$`,
    `CREATE FUNCTION fence_partitions(fenced_kind text, instance text, numbers integer[], epochs bigint[]) RETURNS void
     LANGUAGE plpgsql VOLATILE AS $$
     DECLARE
       lost jsonb;
     BEGIN
       PERFORM FROM partitions WHERE kind = fenced_kind AND partition = ANY (numbers) ORDER BY partition FOR SHARE;
       SELECT jsonb_agg(jsonb_build_object('partition', claim.number, 'owner', p.owner, 'epoch', p.epoch)) INTO lost
       FROM unnest(numbers, epochs) AS claim(number, epoch)
       LEFT JOIN partitions p ON p.kind = fenced_kind AND p.partition = claim.number
       WHERE p.owner IS DISTINCT FROM instance OR p.epoch IS DISTINCT FROM claim.epoch;
       IF lost IS NOT NULL THEN
         RAISE EXCEPTION 'partitions not owned by %', instance USING ERRCODE = 'AT001', DETAIL = lost::text;
       END IF;
     END $$`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
