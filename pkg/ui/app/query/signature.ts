// What the function around the cursor takes: a line above the text, with the argument at hand marked.

import { syntaxTree } from '@codemirror/language';
import { type EditorState, StateField } from '@codemirror/state';
import { showTooltip, type Tooltip } from '@codemirror/view';
import type { SyntaxNode } from '@lezer/common';
import {
  aggregateOpTerms,
  functionIdentifierTerms,
} from '@prometheus-io/codemirror-promql/dist/esm/complete/promql.terms';
import { getFunction } from '@prometheus-io/codemirror-promql/dist/esm/types/function';

interface Signature {
  readonly name: string;
  readonly args: readonly string[];
  readonly returns: string;
  readonly about: string;
  readonly current: number;
  readonly from: number;
}

/** Shows the signature while the cursor is between a call's parentheses. */
export const signatureHelp = StateField.define<Tooltip | null>({
  create: tooltipOf,
  update: (tooltip, transaction) =>
    transaction.docChanged || transaction.selection !== undefined ? tooltipOf(transaction.state) : tooltip,
  provide: (field) => showTooltip.from(field),
});

function tooltipOf(state: EditorState): Tooltip | null {
  const { main } = state.selection;
  if (!main.empty) return null;
  const signature = signatureAt(state, main.head);
  if (signature === undefined) return null;
  return {
    pos: signature.from,
    above: true,
    strictSide: true,
    arrow: false,
    create: () => ({ dom: domOf(signature) }),
  };
}

/** The innermost call around a position; nothing outside of parentheses. */
export function signatureAt(state: EditorState, position: number): Signature | undefined {
  let node: SyntaxNode | null = syntaxTree(state).resolveInner(position, -1);
  for (; node !== null; node = node.parent) {
    if (node.name !== 'FunctionCallBody') continue;
    if (position <= node.from || (position >= node.to && state.sliceDoc(node.to - 1, node.to) === ')')) continue;
    const call = node.parent;
    const found = call === null ? undefined : callSignature(state, call);
    return found === undefined ? undefined : { ...found, current: argumentAt(state, node, position), from: call!.from };
  }
  return undefined;
}

function callSignature(state: EditorState, call: SyntaxNode): Omit<Signature, 'current' | 'from'> | undefined {
  const operator = call.getChild('AggregateOp');
  if (operator !== null) {
    const name = state.sliceDoc(operator.from, operator.to).toLowerCase();
    const args = AGGREGATE_PARAMETERS[name] === undefined ? ['vector'] : [AGGREGATE_PARAMETERS[name], 'vector'];
    return { name, args, returns: 'vector', about: infoOf(aggregateOpTerms, name) };
  }
  const identifier = call.getChild('FunctionIdentifier')?.firstChild;
  if (identifier === null || identifier === undefined) return undefined;
  const known = getFunction(identifier.type.id);
  if (known === undefined || known.name === '') return undefined;
  const { name, argTypes, variadic, returnType } = known;
  // The last `variadic` arguments may be left out; a negative number lets the last one come again and again.
  const firstOptional = argTypes.length - (variadic === 0 ? 0 : 1);
  const args = argTypes.map((type, i) => (i >= firstOptional ? `[${type}]` : String(type)));
  if (variadic < 0) args[args.length - 1] = `[${String(argTypes[argTypes.length - 1])}, …]`;
  return { name, args, returns: String(returnType), about: infoOf(functionIdentifierTerms, name) };
}

const AGGREGATE_PARAMETERS: Readonly<Record<string, string>> = {
  topk: 'k scalar',
  bottomk: 'k scalar',
  limitk: 'k scalar',
  limit_ratio: 'ratio scalar',
  quantile: 'φ scalar',
  count_values: 'label string',
};

function infoOf(terms: readonly { readonly label: string; readonly info?: unknown }[], name: string): string {
  const info = terms.find(({ label }) => label === name)?.info;
  return typeof info === 'string' ? info : '';
}

/** Commas of this call before the position, those of calls and braces inside left out. */
function argumentAt(state: EditorState, body: SyntaxNode, position: number): number {
  const text = state.sliceDoc(body.from + 1, position);
  let [depth, count, quote] = [0, 0, ''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quote !== '') {
      if (char === '\\' && quote !== '`') i++;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'" || char === '`') quote = char;
    else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    else if (char === ',' && depth === 0) count++;
  }
  return count;
}

function domOf({ name, args, returns, about, current }: Signature): HTMLElement {
  const dom = document.createElement('div');
  dom.className = 'cm-signature';
  const line = document.createElement('div');
  line.append(`${name}(`);
  for (const [i, arg] of args.entries()) {
    if (i > 0) line.append(', ');
    const part = document.createElement(i === Math.min(current, args.length - 1) ? 'b' : 'span');
    part.textContent = arg;
    line.append(part);
  }
  line.append(`) → ${returns}`);
  dom.append(line);
  if (about !== '') {
    const text = document.createElement('div');
    text.className = 'cm-signature-about';
    text.textContent = about;
    dom.append(text);
  }
  return dom;
}
