// What the server said of expressions that it refused to run: the editor marks the place, as long as the text stands.

const MOST = 100;
const failed = new Map<string, string>();

/** Remembers what the server said. */
export function noteFailure(expr: string, message: string): void {
  if (failed.size > MOST) failed.clear();
  failed.set(expr.trim(), message);
}

/** What the server said of this text, if it said anything. */
export function failureOf(text: string): string | undefined {
  return failed.get(text.trim());
}
