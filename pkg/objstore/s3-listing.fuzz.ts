import assert from 'node:assert/strict';
import { test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { parseS3Page } from './s3-listing.ts';

const good =
  '<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>' +
  '<Contents><Key>a%2Fb</Key><LastModified>2024-06-18T00:00:00.000Z</LastModified><Size>5</Size></Contents>' +
  '<CommonPrefixes><Prefix>c%2F</Prefix></CommonPrefixes></ListBucketResult>';

test('a damaged listing is read or corrupt, and takes no long time', () => {
  let state = 3;
  const random = (below: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pieces = ['<Contents>', '</Contents>', '<Key>', '&', '&#x110000;', '%', '\0', '<', 'x'.repeat(50), ''];
  for (let i = 0; i < 3000; i++) {
    let xml = good;
    for (let n = random(4); n >= 0; n--) {
      const at = random(xml.length);
      xml = xml.slice(0, at) + pieces[random(pieces.length)] + xml.slice(at + random(9));
    }
    try {
      for (const { name } of parseS3Page(xml, i % 2 === 0 ? 'v1' : 'v2').items) assert.equal(typeof name, 'string');
    } catch (thrown) {
      assert.equal(kindOf(thrown), 'corrupt', String(thrown));
    }
  }
});
