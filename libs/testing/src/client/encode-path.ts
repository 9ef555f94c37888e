/** A path whose interpolated parts are percent-encoded. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(value)));
}

/** `?a=b&c=d` of what is defined, or nothing. */
export function query(parameters: Record<string, string | number | boolean | undefined>): string {
  const defined = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const encoded = new URLSearchParams(defined.map(([name, value]) => [name, String(value)])).toString();
  return encoded === '' ? '' : `?${encoded}`;
}
