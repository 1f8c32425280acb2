// Notes that travel with a result and are not failures.

/** Collects texts, each once, in the order they came. What `list` returns grows as more are added. */
export class Warnings {
  readonly #seen = new Set<string>();
  readonly #list: string[] = [];

  add(text: string): void {
    if (this.#seen.has(text)) return;
    this.#seen.add(text);
    this.#list.push(text);
  }

  addAll(texts: readonly string[]): void {
    for (const text of texts) this.add(text);
  }

  get list(): readonly string[] {
    return this.#list;
  }
}
