import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer } from 'dns-packet';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { resolveAddress } from './dns.ts';
import { a, aaaa, cname, FakeDnsServer, type FakeReply, srv } from './fake-dns-server.ts';
import { candidateNames, parseResolvConf } from './resolv-conf.ts';
import { Resolver, resolverDefaults } from './resolver.ts';

const never = new AbortController().signal;
let server: FakeDnsServer;
let address: string;

beforeEach(async () => {
  server = new FakeDnsServer();
  address = await server.start();
});

afterEach(async () => {
  await server.stop();
});

const resolver = (servers: readonly string[] = [address], timeoutMs = 2000): Resolver =>
  new Resolver({ ...resolverDefaults, servers, timeoutMs });

type Table = Readonly<Record<string, FakeReply>>;

describe('addresses by prefix', () => {
  const srvTwo: Table = {
    'SRV _grpc._tcp.x': srv('_grpc._tcp.x', ['one.x', 1901], ['two.x', 1902]),
    'A one.x': a('one.x', '10.0.0.1'),
    'AAAA two.x': aaaa('two.x', 'fd00::2'),
    'A two.x': a('two.x', '10.0.0.2'),
  };
  const rows: readonly (readonly [string, string, Table, readonly string[] | RegExp])[] = [
    [
      'dns+ takes IPv6 first',
      'dns+x:1',
      { 'AAAA x': aaaa('x', 'fd00::1'), 'A x': a('x', '10.0.0.1') },
      ['[fd00::1]:1'],
    ],
    [
      'dns+ takes IPv4 when there is no IPv6',
      'dns+x:1',
      { 'AAAA x': [], 'A x': a('x', '10.0.0.1', '10.0.0.2') },
      ['10.0.0.1:1', '10.0.0.2:1'],
    ],
    ['dns+ takes IPv4 when IPv6 fails', 'dns+x:1', { 'AAAA x': 'SERVFAIL', 'A x': a('x', '10.0.0.1') }, ['10.0.0.1:1']],
    [
      'dns+ fails when IPv6 fails and there is no IPv4',
      'dns+x:1',
      { 'AAAA x': 'SERVFAIL', 'A x': [] },
      /look up AAAA x: .*SERVFAIL/,
    ],
    ['dns+ fails on REFUSED', 'dns+x:1', { 'AAAA x': 'REFUSED', 'A x': 'REFUSED' }, /REFUSED/],
    ['dns+ of an unknown name is empty', 'dns+x:1', {}, []],
    ['dns+ of a name without addresses is empty', 'dns+x:1', { 'AAAA x': [], 'A x': [] }, []],
    ['dns+ needs a port', 'dns+x', {}, /missing port in address given for dns lookup: x/],
    ['a scheme stays in front', 'dns+http://x:80', { 'A x': a('x', '10.0.0.1') }, ['http://10.0.0.1:80']],
    [
      'dnsdualstack+ takes both',
      'dnsdualstack+x:1',
      { 'AAAA x': aaaa('x', 'fd00::1'), 'A x': a('x', '10.0.0.1') },
      ['[fd00::1]:1', '10.0.0.1:1'],
    ],
    [
      'dnsdualstack+ takes what works',
      'dnsdualstack+x:1',
      { 'AAAA x': 'SERVFAIL', 'A x': a('x', '10.0.0.1') },
      ['10.0.0.1:1'],
    ],
    [
      'dnsdualstack+ fails when nothing came and one failed',
      'dnsdualstack+x:1',
      { 'AAAA x': 'SERVFAIL', 'A x': [] },
      /SERVFAIL/,
    ],
    ['dnssrv+ looks the targets up', 'dnssrv+_grpc._tcp.x', srvTwo, ['10.0.0.1:1901', '[fd00::2]:1902']],
    ['dnssrv+ takes a port of the address', 'dnssrv+_grpc._tcp.x:7', srvTwo, ['10.0.0.1:7', '[fd00::2]:7']],
    ['dnssrvnoa+ keeps the targets', 'dnssrvnoa+_grpc._tcp.x', srvTwo, ['one.x:1901', 'two.x:1902']],
    ['dnssrvnoa+ of an unknown name is empty', 'dnssrvnoa+_grpc._tcp.y', srvTwo, []],
    ['another prefix is refused by name', 'dnssvr+x', {}, /invalid lookup scheme "dnssvr"/],
    [
      'aliases in the answer are followed',
      'dns+x:1',
      { 'AAAA x': [cname('x', 'y')], 'A x': [cname('x', 'y'), cname('y', 'z'), ...a('z', '10.0.0.9')], 'AAAA y': [] },
      ['10.0.0.9:1'],
    ],
    [
      'aliases are asked for when the answer ends with one',
      'dns+x:1',
      { 'AAAA x': [], 'A x': [cname('x', 'y')], 'A y': a('y', '10.0.0.9') },
      ['10.0.0.9:1'],
    ],
    [
      'aliases in a ring fail',
      'dns+x:1',
      { 'AAAA x': [], 'A x': [cname('x', 'y')], 'A y': [cname('y', 'x')] },
      /more than 8 aliases/,
    ],
    [
      'a truncated answer is asked for over TCP',
      'dns+x:1',
      { 'AAAA x': [], 'A x': { onlyOverTcp: a('x', ...many(300)) } },
      many(300).map((ip) => `${ip}:1`),
    ],
  ];
  for (const [what, configured, replies, expected] of rows) {
    test(what, async () => {
      for (const [question, reply] of Object.entries(replies)) server.replies.set(question, reply);
      const found = resolveAddress(configured, resolver(), never);
      if (expected instanceof RegExp) await assert.rejects(found, expected);
      else assert.deepEqual(await found, expected);
    });
  }
});

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
}

describe('servers', () => {
  test('the next one is asked after a failure or silence, and every failure is named', async () => {
    const other = new FakeDnsServer();
    const silent = await other.start();
    try {
      other.replies.set('A x', 'silence');
      server.replies.set('A x', a('x', '10.0.0.1'));
      assert.deepEqual(await resolver([silent, '127.0.0.1:1', address], 50).lookupA('x', never), ['10.0.0.1']);
      server.replies.set('A x', 'SERVFAIL');
      await assert.rejects(
        resolver([silent, address], 20).lookupA('x', never),
        (thrown) =>
          kindOf(thrown) === 'unavailable' &&
          /no answer in 20 ms/.test(messageOf(thrown)) &&
          /SERVFAIL/.test(messageOf(thrown)),
      );
    } finally {
      await other.stop();
    }
  });

  test('NXDOMAIN is an answer: no other server is asked', async () => {
    assert.deepEqual(await resolver([address, '127.0.0.1:1']).lookupA('x', never), []);
    assert.deepEqual(server.questions, ['udp A x']);
  });

  test('the signal ends a look-up', async () => {
    server.replies.set('A x', 'silence');
    const controller = new AbortController();
    const answer = resolver([address], 10_000).lookupA('x', controller.signal);
    setImmediate(() => controller.abort(new Fault('timeout', 'round over')));
    await assert.rejects(answer, /round over/);
  });

  test('an answer to another question is not taken', async () => {
    const forged: readonly Answer[] = a('x', '6.6.6.6');
    server.replies.set('A x', forged);
    server.forgesIds = true;
    await assert.rejects(resolver([address], 30).lookupA('x', never), /no answer in 30 ms/);
  });
});

describe('resolv.conf', () => {
  test('servers, search list and options are read', () => {
    const conf = parseResolvConf(
      '# c\nnameserver 10.0.0.2\nnameserver fd00::1 ; x\ndomain a\nsearch one.local. two.local\noptions ndots:2 timeout:1 attempts:3 rotate\n',
    );
    assert.deepEqual(conf, {
      servers: ['10.0.0.2:53', '[fd00::1]:53'],
      search: ['one.local', 'two.local'],
      ndots: 2,
      timeoutMs: 1000,
      attempts: 3,
    });
    assert.deepEqual(candidateNames('a.b', conf), ['a.b.one.local', 'a.b.two.local', 'a.b']);
    assert.deepEqual(candidateNames('a.b.c', conf), ['a.b.c', 'a.b.c.one.local', 'a.b.c.two.local']);
    assert.deepEqual(candidateNames('a.b.', conf), ['a.b']);
  });

  test('an empty one has the defaults', () => {
    assert.deepEqual(parseResolvConf('').servers, ['127.0.0.1:53']);
  });

  test('the file is read for every look-up', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'resolv-'));
    try {
      const path = join(directory, 'resolv.conf');
      writeFileSync(path, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\nsearch never.example');
      const named = new Resolver({ ...resolverDefaults, resolvConfPath: path });
      // Nothing answers on port 53 of this machine, or what answers does not know the name: both are fine here.
      const before = await named.lookupA('x.invalid', never).catch((thrown: unknown) => messageOf(thrown));
      assert.ok(Array.isArray(before) || /127\.0\.0\.1:53/.test(before as string));
      writeFileSync(path, 'nameserver 127.0.0.2\noptions timeout:1 attempts:1');
      const after = await named.lookupA('x.invalid', never).catch((thrown: unknown) => messageOf(thrown));
      assert.ok(Array.isArray(after) || /127\.0\.0\.2:53/.test(after as string));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
