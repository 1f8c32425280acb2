// JSON text as the reference's encoder prints it, so that files of ours and of theirs compare byte for byte.

/** Like JSON.stringify without indent, in the reference's escaping. */
export function printGoJson(value: unknown): string {
  return escapeAsGo(JSON.stringify(value));
}

/** Escapes `<`, `>`, `&` and the two line separators in JSON text: they stand inside strings only. */
export function escapeAsGo(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
