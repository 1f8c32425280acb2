// The symbols of several indexes as those of one.

import { compareUtf8 } from '../../bytes/compare.ts';
import { LoserTree } from '../../storage/loser-tree.ts';
import type { SymbolTable } from './symbols.ts';

/** All symbols in order. Into `refs`, for each table as long as it, goes where its symbols stand among them. */
export function mergeSymbols(tables: readonly SymbolTable[], refs: readonly Uint32Array[]): string[] {
  const symbols: string[] = [];
  const at = new Array<number>(tables.length).fill(0);
  const tree = new LoserTree(tables.length, (a, b) => {
    if (at[a] >= tables[a].count) return false;
    return at[b] >= tables[b].count || compareUtf8(tables[a].get(at[a]), tables[b].get(at[b])) < 0;
  });
  for (;;) {
    const winner = tree.winner;
    if (at[winner] >= tables[winner].count) return symbols;
    const symbol = tables[winner].get(at[winner]);
    if (symbols.length === 0 || symbols[symbols.length - 1] !== symbol) symbols.push(symbol);
    refs[winner][at[winner]++] = symbols.length - 1;
    tree.replay();
  }
}
