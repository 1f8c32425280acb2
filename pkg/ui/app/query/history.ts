// The expressions that were run in this browser, the newest first.

const KEY = 'tributary.history';
const MOST = 50;
const LONGEST = 5000;

/** Remembers an expression; one that was run before moves to the front. */
export function remember(expr: string, storage: Pick<Storage, 'getItem' | 'setItem'> = localStorage): void {
  const text = expr.trim();
  if (text === '' || text.length > LONGEST) return;
  const list = [text, ...remembered(storage).filter((one) => one !== text)].slice(0, MOST);
  // A browser that keeps nothing has no history.
  try {
    storage.setItem(KEY, JSON.stringify(list));
  } catch {}
}

/** What was run, the newest first. */
export function remembered(storage: Pick<Storage, 'getItem'> = localStorage): readonly string[] {
  try {
    const list: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
