import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { parseS3Page, s3PageQuery } from './s3-listing.ts';

const contents = (key: string, size = '5', time = '2024-06-18T00:00:00.000Z'): string =>
  `<Contents><Key>${key}</Key><LastModified>${time}</LastModified><ETag>&#34;x&#34;</ETag><Size>${size}</Size><Owner><ID>Key</ID></Owner></Contents>`;
const page = (inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${inner}</ListBucketResult>`;

describe('a listing page', () => {
  test('has objects and directories sorted together, names as they are', () => {
    const xml = page(
      `<Prefix></Prefix><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents('b%2F000123')}${contents('0123')}${contents('1e5')}` +
        `${contents('a+b%2Bc%26amp%3B')}<CommonPrefixes><Prefix>a%2F</Prefix></CommonPrefixes>`,
    );
    assert.deepEqual(
      parseS3Page(xml, 'v2').items.map(({ name }) => name),
      ['0123', '1e5', 'a b+c&amp;', 'a/', 'b/000123'],
    );
    assert.deepEqual(parseS3Page(xml, 'v2').items[0].attributes, {
      sizeBytes: 5,
      lastModified: Date.parse('2024-06-18T00:00:00Z'),
    });
  });

  test('of a server that does not encode names has them unescaped', () => {
    const { items } = parseS3Page(page(contents('a&amp;b&lt;&#233;&#x1F600;%41+')), 'v2');
    assert.equal(items[0].name, 'a&b<é\u{1f600}%41+');
  });

  test('leaves out directories that are objects', () => {
    assert.deepEqual(parseS3Page(page(contents('dir/')), 'v2').items, []);
  });

  test('goes on with the token of version 2, the marker or the last name of version 1', () => {
    const cut = '<IsTruncated>true</IsTruncated>';
    const token = page(`${cut}<NextContinuationToken>12345</NextContinuationToken>${contents('z')}`);
    assert.equal(parseS3Page(token, 'v2').next, '12345');
    assert.equal(parseS3Page(page(`${cut}<NextMarker>n</NextMarker>${contents('z')}`), 'v1').next, 'n');
    assert.equal(parseS3Page(page(`${cut}${contents('y')}${contents('z')}`), 'v1').next, 'z');
  });

  for (const [what, xml] of [
    ['text that is no listing', '<html></html>'],
    ['nothing', ''],
    ['a truncated one without a token', page('<IsTruncated>true</IsTruncated>')],
    ['a size that is none', page(contents('x', 'big'))],
    ['a time that is none', page(contents('x', '1', 'then'))],
    ['a name encoded wrongly', page(`<EncodingType>url</EncodingType>${contents('%zz')}`)],
  ] as const) {
    test(`with ${what} is corrupt`, () => {
      assert.throws(
        () => parseS3Page(xml, 'v2'),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  test('is asked for with a sorted, escaped query', () => {
    const asked = { prefix: "a b+c'/", delimiter: '/', startAfter: 'é', token: '' };
    assert.equal(
      s3PageQuery({ version: 'v2', ...asked }),
      'delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=a%20b%2Bc%27%2F&start-after=%C3%A9',
    );
    assert.equal(
      s3PageQuery({ version: 'v1', ...asked, token: 't' }),
      'delimiter=%2F&encoding-type=url&marker=t&max-keys=1000&prefix=a%20b%2Bc%27%2F',
    );
  });
});
