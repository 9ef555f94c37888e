/** A pattern of escapes of U+0000 and of lone surrogates: legal in JSON, but no text for PostgreSQL. */
export const UNDECODABLE = String.raw`\\u(0000|d[89a-f])`;
