// Which blocks of the bucket a command sees. Apart from the other groups: only commands that take it read YAML.

import type { Flag, FlagTable } from '../pkg/config/flag.ts';
import { pathOrContent } from '../pkg/config/flag-kinds.ts';
import { parseSelectorRules } from '../pkg/config/selector-rules.ts';
import type { SelectorRule } from '../pkg/model/relabel.ts';

const CONFIG = 'selector.relabel-config';

/** No rules when neither the flag nor its `-file` is given. */
export const selectorFlags = {
  [CONFIG]: selectorRules(
    'Relabel rules as YAML (keep, drop, hashmod) over the external labels of blocks and __block_id: which blocks to see.',
  ),
} satisfies FlagTable;

function selectorRules(help: string): Flag<readonly SelectorRule[]> {
  const content = pathOrContent(CONFIG, help);
  return { ...content, parse: (given, sources) => parseSelectorRules(content.parse(given, sources)) };
}
