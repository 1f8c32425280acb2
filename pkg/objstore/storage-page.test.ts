// The page on object storage has every key of every provider, and no other.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { projectRoot } from '../../dev/golden.ts';
import { z } from '../config/shape.ts';
import { azureShape } from './azure-config.ts';
import { gcsShape } from './gcs-config.ts';
import { httpShape, s3Shape } from './s3-config.ts';
import { bosShape, cosShape, obsShape, ociShape, ossShape } from './vendor-config.ts';

const page = readFileSync(join(projectRoot(), 'docs', 'operating', 'storage.md'), 'utf8');

for (const [section, shape] of [
  ['S3', s3Shape],
  ['GCS', gcsShape],
  ['AZURE', azureShape],
  ['COS', cosShape],
  ['ALIYUNOSS', ossShape],
  ['BOS', bosShape],
  ['OBS', obsShape],
  ['OCI', ociShape],
  ['http_config', httpShape],
] as const) {
  test(`the table of ${section} has its keys`, () => {
    const text = page.split(`\n### ${section}\n`)[1]?.split(/\n##+ /)[0] ?? '';
    const listed = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key);
    assert.deepEqual(listed.sort(), keysOf(shape).sort());
  });
}

/** Nested ones with dots; `http_config` has a table of its own. */
function keysOf(shape: z.ZodObject): string[] {
  return Object.entries(shape.shape).flatMap(([key, value]) => {
    const inner = bare(value as z.ZodType);
    if (key === 'http_config' || !(inner instanceof z.ZodObject)) return [key];
    return keysOf(inner).map((below) => `${key}.${below}`);
  });
}

function bare(shape: z.ZodType): z.ZodType {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable) return bare(shape.unwrap() as z.ZodType);
  return shape;
}
