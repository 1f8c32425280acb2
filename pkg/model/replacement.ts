// Rewriting a whole value by an RE2 expression and a template with `$1`, `${1}` and `${name}`, as Go expands them.

import { RE2JS } from 're2js';

/**
 * A function from a value to its replacement, undefined for values that the whole expression does not match. The
 * expression is anchored and `.` matches newlines. Gives undefined when the text is not an RE2 expression.
 */
export function compileReplacement(
  pattern: string,
  template: string,
): ((value: string) => string | undefined) | undefined {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch {
    return undefined;
  }
  const names = compiled.namedGroups();
  const parts = parseTemplate(template).map((part) => {
    if (typeof part === 'string') return part;
    const index = /^\d+$/.test(part.group) ? Number(part.group) : names[part.group];
    return index === undefined || index > compiled.groupCount() ? '' : index;
  });
  return (value) => {
    const matcher = compiled.matcher(value);
    if (!matcher.matches()) return undefined;
    return parts.map((part) => (typeof part === 'string' ? part : (matcher.group(part) ?? ''))).join('');
  };
}

type TemplatePart = string | { readonly group: string };

/** `$name` takes the longest run of word characters; `$$` is a dollar; a dollar that begins nothing stays itself. */
function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let rest = template;
  while (rest !== '') {
    const dollar = rest.indexOf('$');
    if (dollar < 0) break;
    if (dollar > 0) parts.push(rest.slice(0, dollar));
    rest = rest.slice(dollar);
    const group = /^\$(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u.exec(rest);
    if (group !== null) {
      parts.push({ group: group[1] ?? group[2] });
      rest = rest.slice(group[0].length);
    } else {
      parts.push('$');
      rest = rest.slice(rest.startsWith('$$') ? 2 : 1);
    }
  }
  if (rest !== '') parts.push(rest);
  return parts;
}
