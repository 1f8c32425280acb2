// Templates over a block's meta, as `tools bucket ls -o` takes them: the part of Go's text/template that people write
// there. Fields and maps by path, range, if and else, index, len, print and printf, parentheses and pipes.
//
//   {{.ULID}} {{.Thanos.Labels.cluster}} {{range .Compaction.Sources}}{{.}},{{end}}

import { Fault } from '../errors/fault.ts';
import { type GoValue, goMeta, goText, isTrue, number, sorted, string } from './go-values.ts';
import type { BlockMeta } from './meta.ts';

type Operand =
  | { readonly kind: 'path'; readonly fields: readonly string[] }
  | { readonly kind: 'literal'; readonly value: GoValue }
  | { readonly kind: 'pipeline'; readonly commands: readonly Command[]; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly name: string };
type Command = readonly Operand[];

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly commands: readonly Command[] }
  | {
      readonly kind: 'range' | 'if';
      readonly commands: readonly Command[];
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** What prints one block. Throws `invalid` for a template that is none, or asks for more than we have. */
export function blockTemplate(text: string): (meta: BlockMeta) => string {
  const nodes = new TemplateReader(text).read();
  return (meta) => render(nodes, goMeta(meta));
}

const TOKEN =
  /\s*(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)(?![\w.])|((?:\.[A-Za-z_]\w*)+|\.)|([A-Za-z_]\w*)|([()|]))/y;
const functions: ReadonlySet<string> = new Set(['index', 'len', 'print', 'printf']);

class TemplateReader {
  /** Texts and actions in turn. */
  readonly #pieces: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#pieces = piecesOf(text);
  }

  read(): readonly Node[] {
    const { nodes, end } = this.#nodes();
    if (end !== '') throw bad(`unexpected {{${end}}}`);
    return nodes;
  }

  /** Up to the action that ends them, which is taken. */
  #nodes(): { readonly nodes: readonly Node[]; readonly end: string } {
    const nodes: Node[] = [];
    for (;;) {
      if (this.#at >= this.#pieces.length) return { nodes, end: '' };
      const isAction = this.#at % 2 === 1;
      const piece = this.#pieces[this.#at++];
      if (!isAction) {
        if (piece !== '') nodes.push({ kind: 'text', text: piece });
        continue;
      }
      if (piece === 'end' || piece === 'else') return { nodes, end: piece };
      if (piece.startsWith('/*') && piece.endsWith('*/')) continue;
      const block = /^(range|if)\s+([\s\S]*)$/.exec(piece);
      if (block === null) nodes.push({ kind: 'value', commands: commandsOf(piece) });
      else nodes.push(this.#block(block[1] as 'range' | 'if', block[2]));
    }
  }

  #block(kind: 'range' | 'if', condition: string): Node {
    const commands = commandsOf(condition);
    const body = this.#nodes();
    const otherwise = body.end === 'else' ? this.#nodes() : { nodes: [], end: body.end };
    if (otherwise.end !== 'end') throw bad(`{{${kind}}} without {{end}}`);
    return { kind, commands, body: body.nodes, otherwise: otherwise.nodes };
  }
}

/** `{{-` and `-}}` take the space beside them away. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [''];
  let rest = text;
  for (;;) {
    const start = rest.indexOf('{{');
    if (start < 0) break;
    const end = rest.indexOf('}}', start);
    if (end < 0) throw bad('unclosed action');
    let before = rest.slice(0, start);
    let action = rest.slice(start + 2, end);
    rest = rest.slice(end + 2);
    if (/^-\s/.test(action)) {
      before = before.trimEnd();
      action = action.slice(1);
    }
    if (/\s-$/.test(action)) {
      rest = rest.trimStart();
      action = action.slice(0, -1);
    }
    pieces[pieces.length - 1] += before;
    pieces.push(action.trim(), '');
  }
  pieces[pieces.length - 1] += rest;
  return pieces;
}

function commandsOf(text: string): readonly Command[] {
  const tokens: Operand[][] = [[]];
  const open: Operand[][][] = [];
  let commands = tokens;
  TOKEN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw bad(`cannot read ${JSON.stringify(text.slice(at).trim())}`);
    at = TOKEN.lastIndex;
    const [, quoted, digits, path, word, mark] = found;
    const command = commands[commands.length - 1];
    if (quoted !== undefined) command.push({ kind: 'literal', value: string(unquoted(quoted)) });
    else if (digits !== undefined) command.push({ kind: 'literal', value: number(Number(digits)) });
    else if (path !== undefined) command.push({ kind: 'path', fields: path === '.' ? [] : path.slice(1).split('.') });
    else if (word !== undefined) command.push(functionOf(word, command.length));
    else if (mark === '|') commands.push([]);
    else if (mark === '(') {
      open.push(commands);
      commands = [[]];
    } else {
      const outer = open.pop();
      if (outer === undefined) throw bad('unexpected )');
      const fields = /^(?:\.[A-Za-z_]\w*)+/.exec(text.slice(at))?.[0] ?? '';
      at += fields.length;
      outer[outer.length - 1].push({ kind: 'pipeline', commands, fields: fields.split('.').slice(1) });
      commands = outer;
    }
  }
  if (open.length > 0) throw bad('unclosed (');
  if (commands.some((command) => command.length === 0)) throw bad('missing value');
  return commands;
}

function functionOf(word: string, position: number): Operand {
  if (word === 'true' || word === 'false') return { kind: 'literal', value: { kind: 'bool', value: word === 'true' } };
  if (!functions.has(word)) throw bad(`${word} is not known here: ${[...functions, 'range', 'if'].join(', ')} are`);
  if (position > 0) throw bad(`${word} must come first`);
  return { kind: 'function', name: word };
}

function unquoted(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    throw bad(`cannot read ${text}`);
  }
}

function render(nodes: readonly Node[], dot: GoValue): string {
  let out = '';
  for (const node of nodes) {
    if (node.kind === 'text') out += node.text;
    else if (node.kind === 'value') out += goText(run(node.commands, dot));
    else if (node.kind === 'if') out += render(isTrue(run(node.commands, dot)) ? node.body : node.otherwise, dot);
    else {
      const items = itemsOf(run(node.commands, dot));
      out += items.length === 0 ? render(node.otherwise, dot) : items.map((item) => render(node.body, item)).join('');
    }
  }
  return out;
}

function itemsOf(value: GoValue): readonly GoValue[] {
  if (value.kind === 'list') return value.items;
  if (value.kind === 'map') return sorted(value.entries).map(([, item]) => item);
  if (value.kind === 'none') return [];
  throw bad(`range can't iterate over ${goText(value)}`);
}

/** Each command's value is the last argument of the next. */
function run(commands: readonly Command[], dot: GoValue): GoValue {
  let piped: GoValue | undefined;
  for (const [first, ...rest] of commands) {
    const given = rest.map((operand) => operandValue(operand, dot));
    if (piped !== undefined) given.push(piped);
    if (first.kind === 'function') piped = call(first.name, given);
    else if (given.length > 0) throw bad('a value takes no arguments');
    else piped = operandValue(first, dot);
  }
  return piped as GoValue;
}

function operandValue(operand: Operand, dot: GoValue): GoValue {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'pipeline':
      return operand.fields.reduce(fieldOf, run(operand.commands, dot));
    case 'function':
      return call(operand.name, []);
    default:
      return operand.fields.reduce(fieldOf, dot);
  }
}

function fieldOf(value: GoValue, name: string): GoValue {
  if (value.kind === 'map') return value.entries.get(name) ?? { kind: 'none', text: '<no value>' };
  const found = value.kind === 'struct' ? value.fields.get(name) : undefined;
  if (found === undefined) throw bad(`can't evaluate field ${name}`);
  return found;
}

function call(name: string, given: readonly GoValue[]): GoValue {
  const [first, ...rest] = given;
  if (first === undefined) throw bad(`${name} needs an argument`);
  if (name === 'index') return rest.reduce(itemOf, first);
  if (name === 'print') return string(given.map(goText).join(''));
  if (name === 'printf') return string(formatted(goText(first), rest));
  if (first.kind === 'string') return number(Buffer.byteLength(first.text));
  if (first.kind === 'list') return number(first.items.length);
  if (first.kind === 'map') return number(first.entries.size);
  throw bad(`len of ${goText(first)}`);
}

/** A map that does not have the key gives the empty text, as Go's zero value is. */
function itemOf(value: GoValue, key: GoValue): GoValue {
  if (value.kind === 'map') return value.entries.get(goText(key)) ?? string('');
  const item = value.kind === 'list' && key.kind === 'number' ? value.items[key.value] : undefined;
  if (item === undefined) throw bad(`index out of range: ${goText(key)}`);
  return item;
}

function formatted(format: string, given: readonly GoValue[]): string {
  let next = 0;
  return format.replace(
    /%(?:%|(-?)(0?)(\d*)([svdq]))/g,
    (all, left: string, zero: string, width: string, verb: string) => {
      if (all === '%%') return '%';
      const value = given[next++];
      if (value === undefined) throw bad(`printf: ${all} has no argument`);
      const text = verb === 'q' ? JSON.stringify(goText(value)) : goText(value);
      const wanted = Number(width || 0);
      return left === '-' ? text.padEnd(wanted) : text.padStart(wanted, zero === '0' ? '0' : ' ');
    },
  );
}

function bad(message: string): Fault {
  return new Fault('invalid', `invalid template: ${message}`);
}
