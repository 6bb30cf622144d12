/**
 * Nothing jumps: a list keeps the order in which a person began to read it.
 *
 * `shown` is that order; what has come since waits in `waiting` until the person asks for it.
 */
export function waiting(shown: readonly string[], current: readonly string[]): string[] {
  const known = new Set(shown);
  return current.filter((id) => !known.has(id));
}
