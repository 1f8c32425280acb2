// What is typed into a filter: words that must be somewhere in a text, and `name=value`, `name!=value`, `name=~expression`,
// `name!~expression` about labels, quoted or not.

import type { LabelRecord } from './label-set.tsx';

export interface LabelFilter {
  matches(labels: LabelRecord, text: string): boolean;
  /** What cannot be understood; such a part matches everything. */
  readonly error: string | undefined;
}

const TERM = /"((?:[^"\\]|\\.)*)"|([A-Za-z_][\w.:]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,{}"]*))|[^\s,{}"]+/g;

/** Every term must hold. Letters of either case are one, in words; labels are compared as they are. */
export function parseLabelFilter(typed: string): LabelFilter {
  const tests: ((labels: LabelRecord, text: string) => boolean)[] = [];
  let error: string | undefined;
  for (const match of typed.matchAll(TERM)) {
    const [whole, quoted, name, operator, quotedValue, bareValue] = match;
    if (name === undefined) {
      const word = (quoted === undefined ? whole : unescaped(quoted)).toLowerCase();
      tests.push((_, text) => text.toLowerCase().includes(word));
      continue;
    }
    const value = quotedValue === undefined ? bareValue : unescaped(quotedValue);
    if (operator === '=' || operator === '!=') {
      tests.push((labels) => (labelOf(labels, name) === value) === (operator === '='));
      continue;
    }
    try {
      const expression = new RegExp(`^(?:${value})$`, 's');
      tests.push((labels) => expression.test(labelOf(labels, name)) === (operator === '=~'));
    } catch {
      error = `not a regular expression: ${value}`;
    }
  }
  return { matches: (labels, text) => tests.every((test) => test(labels, text)), error };
}

/** The set as PromQL writes it: `{cluster="eu", replica="a"}`. */
export function labelText(labels: LabelRecord): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`;
}

function labelOf(labels: LabelRecord, name: string): string {
  return Object.hasOwn(labels, name) ? labels[name] : '';
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
