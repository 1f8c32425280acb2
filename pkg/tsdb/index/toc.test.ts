import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf, messageOf } from '../../errors/fault.ts';
import { parseToc, TOC_SIZE } from './toc.ts';

describe('a file that is no index', () => {
  for (const [what, bytes, says] of [
    [
      'noise',
      Uint8Array.from({ length: TOC_SIZE }, (_, i) => i * 89 + 7),
      /^index table of contents: checksum is \w+, expected/,
    ],
    ['too short', new Uint8Array(7), /^index of 1000 bytes has no table of contents$/],
  ] as const) {
    test(`${what}: is said to be corrupt, and where`, () => {
      assert.throws(
        () => parseToc(bytes, 1000),
        (thrown) => {
          assert.match(messageOf(thrown), says);
          return kindOf(thrown) === 'corrupt';
        },
      );
    });
  }
});
