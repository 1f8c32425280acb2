import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { parseAddress, printAddress } from './address.ts';
import { tenantOf } from './tenancy.ts';

describe('an address', () => {
  for (const [text, host, port] of [
    ['0.0.0.0:10902', '0.0.0.0', 10902],
    ['[::1]:9090', '::1', 9090],
    [':80', '', 80],
    ['localhost:0', 'localhost', 0],
  ] as const) {
    test(`${text} is read and printed`, () => {
      expect(parseAddress(text)).toEqual({ host, port });
      expect(printAddress({ host, port })).toBe(text);
    });
  }
  for (const [text, message] of [
    ['localhost', 'address localhost: missing port in address'],
    ['', 'address : missing port in address'],
    ['[::1]', 'address [::1]: missing port in address'],
    ['::1:80', 'address ::1:80: too many colons in address'],
    ['a:b', 'address a:b: invalid port "b"'],
    ['a:', 'address a:: invalid port ""'],
    ['a:65536', 'address a:65536: invalid port "65536"'],
  ] as const) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(
        () => parseAddress(text),
        (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown) === message,
      );
    });
  }
});

describe('the tenant', () => {
  const config = { header: 'X-Tenant', defaultTenant: 'nobody' };
  for (const [headers, tenant] of [
    [{}, 'nobody'],
    [{ 'X-Tenant': 'a' }, 'a'],
    [{ 'THANOS-TENANT': 'b' }, 'b'],
    [{ 'X-Tenant': 'a', 'THANOS-TENANT': 'b' }, 'a'],
    [{ 'X-Tenant': '' }, 'nobody'],
  ] as const) {
    test(`of ${JSON.stringify(headers)} is ${tenant}`, () => {
      expect(tenantOf((name) => (headers as Record<string, string>)[name], config)).toBe(tenant);
    });
  }
  for (const bad of ['.', '..', 'a/b']) {
    test(`${bad} is refused: names become directories`, () => {
      assert.throws(
        () => tenantOf(() => bad),
        (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown) === 'tenant name not valid',
      );
    });
  }
});
