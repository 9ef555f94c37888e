/** A parametrised statement for node-postgres; named ones are prepared once per connection. */
export interface Statement {
  name: string;
  text: string;
  values: unknown[];
}
