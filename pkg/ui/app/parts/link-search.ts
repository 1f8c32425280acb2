// The query part of a link: changed in places, read as numbers.

export type LinkChanges = Readonly<Record<string, string | undefined>>;

/** A link's query part with some parameters changed, the others as they were. */
export function changedSearch(search: string, changes: LinkChanges): string {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') parameters.delete(name);
    else parameters.set(name, value);
  }
  return parameters.toString();
}

/** A whole number of a link; undefined when there is none. */
export function numberOf(text: string | null): number | undefined {
  return text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
}
