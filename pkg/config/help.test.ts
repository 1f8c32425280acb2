import { expect, test } from 'vitest';
import { bool, choice, labelList, pathOrContent, string } from './flag-kinds.ts';
import { flagMarkdown } from './help.ts';

test('the docs table comes from the flags, hidden ones left out', () => {
  const table = {
    'web.disable': bool(false, 'No viewer.'),
    mode: choice(['a', 'b'], 'a', 'Mode.'),
    label: labelList('Label.', { isRequired: true }),
    bucket: pathOrContent('bucket', 'Bucket.'),
    hidden: string('', 'Hidden.', { isHidden: true }),
  };
  expect(flagMarkdown(table)).toBe(
    [
      '| Flag | Default | Meaning |',
      '| --- | --- | --- |',
      '| `--[no-]web.disable` | `false` | No viewer. |',
      '| `--mode=<a\\|b>` | `a` | Mode. |',
      '| `--label=NAME="VALUE"` |  | Label. Required. May be repeated. |',
      '| `--bucket=CONTENT` |  | Bucket. |',
      '| `--bucket-file=PATH` |  | The same, from a file. |',
      '',
    ].join('\n'),
  );
});
