import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FlagTable } from '../pkg/config/flag.ts';
import { bool, durationMs, labelList, stringList, string as text, uint } from '../pkg/config/flag-kinds.ts';
import { Fault } from '../pkg/errors/fault.ts';
import { defineCommand } from './command-spec.ts';
import type { CommandEntry } from './commands.ts';
import { httpFlags, requiredBucketFlags, rootFlags } from './flag-groups.ts';
import { type MainIo, main } from './program.ts';
import { referenceFlags } from './reference-flags.ts';

const storeFlags = {
  ...httpFlags,
  ...requiredBucketFlags,
  'data-dir': text('./data', 'Local working directory.'),
  'consistency-delay': durationMs('0s', 'Age below which blocks are ignored.'),
  'block-sync-concurrency': uint(20, 'Blocks at once.'),
  'web.disable': bool(false, 'No viewer.'),
  'selector-label': labelList('Label of ours.'),
  secret: text('', 'Nobody sees this.', { isHidden: true }),
} satisfies FlagTable;

const lsFlags = {
  ...requiredBucketFlags,
  output: text('', 'Layout.', { short: 'o' }),
  id: stringList([], 'Blocks.', { isRequired: true }),
} satisfies FlagTable;

/** Runs a command line over two small commands and shows everything that comes of it. */
async function run(...argv: string[]) {
  const seen: { values?: Record<string, unknown> } = {};
  let stdout = '';
  let stderr = '';
  const entries: CommandEntry[] = [
    {
      name: 'store',
      summary: 'A store.',
      load: async () =>
        defineCommand({
          name: 'store',
          summary: 'A store.',
          flags: storeFlags,
          async run(values, context) {
            seen.values = values;
            if (values['data-dir'] === 'broken') throw new Fault('denied', 'no access to broken');
            if (values['data-dir'] === 'stopped') throw context.stop.reason;
            context.stdout.write('ran\n');
            return 0;
          },
        }),
    },
    {
      name: 'tools bucket ls',
      summary: 'List.',
      load: async () =>
        defineCommand({
          name: 'tools bucket ls',
          summary: 'List.',
          flags: lsFlags,
          async run(values) {
            seen.values = values;
            return 0;
          },
        }),
    },
  ];
  const stop = new AbortController();
  if (argv.includes('--data-dir=stopped')) stop.abort(new Fault('canceled', 'caught SIGTERM'));
  const io: MainIo = {
    stdout: { write: (part) => (stdout += part) },
    stderr: { write: (part) => (stderr += part) },
    env: { DIR: '/b' },
    stop: stop.signal,
    readFile(path) {
      if (path === 'args') return '--objstore.config=x\n# a comment\n\n--data-dir=two words\n';
      if (path === 'self') return '@self\n';
      throw new Error(`open ${path}: no such file or directory`);
    },
  };
  const code = await main(argv, io, entries);
  await new Promise((resolve) => setImmediate(resolve)); // The logger writes in the next turn.
  return { code, stdout, stderr, values: seen.values };
}

const bucket = '--objstore.config=type: FILESYSTEM';

describe('one line and an exit code', () => {
  for (const [argv, code, line] of [
    [['foo'], 1, 'expected command but got "foo"'],
    [['--foo'], 1, "unknown long flag '--foo'"],
    [['store', '--foo'], 1, "unknown long flag '--foo'"],
    [['store', '--foo=bar'], 1, "unknown long flag '--foo'"],
    [['store', '--data-di=x'], 1, "unknown long flag '--data-di'"],
    [['store', '-x'], 1, "unknown short flag '-x'"],
    [['store', 'foo'], 1, 'unexpected foo'],
    [['store', '--', '--foo'], 1, 'unexpected --foo'],
    [['store', '--web.disable=true'], 1, 'unexpected true'],
    [['store', '--data-dir'], 1, "expected argument for flag '--data-dir'"],
    [['store', '--objstore.config-file'], 1, "expected argument for flag '--objstore.config-file'"],
    [['tools', 'foo'], 1, 'expected command but got "foo"'],
    [['tools', 'bucket', 'foo'], 1, 'expected command but got "foo"'],
    [['tools', '--foo'], 1, "unknown long flag '--foo'"],
    [['help', 'foo'], 1, 'expected command but got "foo"'],
    [['@nofile'], 1, 'open nofile: no such file or directory'],
    [['@self'], 1, '@self: files are nested too deeply'],
    [
      ['store', '--index-cache.config=x'],
      2,
      "flag '--index-cache.config' of 'store' is not supported by this version of tributary",
    ],
    [
      ['store', '--no-cache-index-header'],
      2,
      "flag '--no-cache-index-header' of 'store' is not supported by this version of tributary",
    ],
    [
      ['store', '--tracing.config=x'],
      2,
      "flag '--tracing.config' of 'store' is not supported by this version of tributary",
    ],
    [['--tracing.config=x', 'store'], 2, "flag '--tracing.config' is not supported by this version of tributary"],
    [['compact'], 2, "command 'compact' is not supported by this version of tributary"],
    [['compact', '--wait'], 2, "command 'compact' is not supported by this version of tributary"],
    [['query-frontend'], 2, "command 'query-frontend' is not supported by this version of tributary"],
    [['tools', 'bucket', 'verify'], 2, "command 'tools bucket verify' is not supported by this version of tributary"],
    [
      ['tools', 'rules-check', '--rules=x'],
      2,
      "command 'tools rules-check' is not supported by this version of tributary",
    ],
  ] as const) {
    test(`${argv.join(' ')}: ${code}`, async () => {
      const { code: got, stdout, stderr } = await run(...argv);
      expect({ got, stdout, stderr }).toEqual({ got: code, stdout: '', stderr: `tributary: error: ${line}\n` });
    });
  }
});

describe('usage, then the reason, and exit code 2', () => {
  for (const [argv, reason] of [
    [['store', bucket, '--consistency-delay=5'], '--consistency-delay: not a valid duration string: "5"'],
    [['store', bucket, '--consistency-delay='], '--consistency-delay: empty duration string'],
    [['store', bucket, '--block-sync-concurrency=-1'], '--block-sync-concurrency: "-1" is not a whole number from 0'],
    [['store', '--data-dir=a', '--data-dir=b'], "flag 'data-dir' cannot be repeated"],
    [['store', '--web.disable', '--no-web.disable'], "flag 'web.disable' cannot be repeated"],
    [['store', bucket, bucket], "flag 'objstore.config' cannot be repeated"],
    [['store', '--log.level=loud'], "--log.level: enum value must be one of error,warn,info,debug, got 'loud'"],
    [['--log.level=info', 'store', '--log.level=info'], "flag 'log.level' cannot be repeated"],
    [['tools', 'bucket', 'ls', bucket], 'required flag --id not provided'],
    [['tools'], "must select a subcommand of 'tools'"],
    [['tools', 'bucket'], "must select a subcommand of 'tools bucket'"],
    [['tools', 'bucket', bucket], "must select a subcommand of 'tools bucket'"],
  ] as const) {
    test(argv.join(' '), async () => {
      const { code, stdout, stderr } = await run(...argv);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^usage: tributary /);
      expect(stderr.trimEnd().split('\n').at(-1)).toBe(
        `error parsing commandline arguments: [tributary ${argv.join(' ')}]: ${reason}`,
      );
    });
  }
});

describe('a set-up error is one log line and exit code 1', () => {
  for (const [argv, err] of [
    [
      ['store'],
      'flag objstore.config-file or objstore.config is required for running this command and content cannot be empty',
    ],
    [['store', bucket, '--objstore.config-file=b'], 'both objstore.config-file and objstore.config flags set'],
    [['store', '--objstore.config-file=b'], 'load file b for objstore.config-file: open b: no such file or directory'],
    [['store', '--objstore.config=$(NOPE)'], 'found reference to unset environment variable \\"NOPE\\"'],
    [['store', bucket, '--selector-label=a=b'], '--selector-label: invalid syntax: unquote label value b'],
    [['store', bucket, '--data-dir=broken'], 'no access to broken'],
  ] as const) {
    test(argv.join(' '), async () => {
      const { code, stdout, stderr } = await run(...argv);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^ts=\S+ level=error msg="store failed" err=.*\n$/);
      expect(stderr).toContain(err);
      expect(stderr.split('\n').length).toBe(2);
    });
  }

  test('in JSON when asked for', async () => {
    const { stderr } = await run('--log.format=json', 'store', '--debug.name=s1');
    expect(JSON.parse(stderr)).toMatchObject({ level: 'error', msg: 'store failed', name: 's1' });
  });

  test('but being stopped is none', async () => {
    const { code, stderr } = await run('store', bucket, '--data-dir=stopped');
    expect(code).toBe(0);
    expect(stderr).toMatch(/level=info msg=exiting reason="caught SIGTERM"\n$/);
  });
});

describe('help', () => {
  for (const [argv, first] of [
    [[], 'usage: tributary [<flags>] <command> [<args> ...]'],
    [['--help'], 'usage: tributary [<flags>] <command> [<args> ...]'],
    [['-h'], 'usage: tributary [<flags>] <command> [<args> ...]'],
    [['help'], 'usage: tributary [<flags>] <command> [<args> ...]'],
    [['--log.level=debug'], 'usage: tributary [<flags>] <command> [<args> ...]'],
    [['help', 'store'], 'usage: tributary store [<flags>]'],
    [['store', '--help'], 'usage: tributary store [<flags>]'],
    [['store', '-h', '--data-dir=x'], 'usage: tributary store [<flags>]'],
    [['tools', 'bucket', '--help'], 'usage: tributary tools bucket [<flags>] <command> [<args> ...]'],
  ] as const) {
    test(`${argv.join(' ')} is usage on stderr, exit code 0`, async () => {
      const { code, stdout, stderr } = await run(...argv);
      expect([code, stdout, stderr.split('\n')[0]]).toEqual([0, '', first]);
    });
  }

  test('shows defaults, pairs and short forms, and hides what is hidden', async () => {
    const { stderr } = await run('store', '--help');
    expect(stderr).toContain('--data-dir=STRING');
    expect(stderr).toContain('Default: ./data.');
    expect(stderr).toContain('--objstore.config-file=PATH');
    expect(stderr).toContain('--[no-]web.disable');
    expect(stderr).not.toContain('secret');
    expect((await run('tools', 'bucket', 'ls', '-h')).stderr).toContain('-o, --output=STRING');
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('--help-long shows every command on stdout', async () => {
    const { code, stdout } = await run('--help-long');
    expect(code).toBe(0);
    for (const name of ['store', 'tools bucket ls']) expect(stdout).toContain(`usage: tributary ${name} `);
  });

  test('--version is a block that begins with name and version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    for (const argv of [['--version'], ['store', '--version']]) {
      const { code, stderr } = await run(...argv);
      expect(code).toBe(0);
      expect(stderr).toMatch(new RegExp(`^tributary, version ${version} \\(`));
    }
  });
});

describe('values', () => {
  test('come from flags in every form, defaults for the rest', async () => {
    const { code, stdout, values } = await run(
      '--log.level=error',
      'store',
      '--objstore.config',
      'directory: $(DIR)',
      '--data-dir=-x',
      '--consistency-delay',
      '30m',
      '--web.disable',
      '--selector-label=a="b"',
      '--secret=s',
    );
    expect([code, stdout]).toEqual([0, 'ran\n']);
    expect(values).toEqual({
      'http-address': '0.0.0.0:10902',
      'http-grace-period': 120_000,
      'objstore.config': 'directory: /b',
      'data-dir': '-x',
      'consistency-delay': 1_800_000,
      'block-sync-concurrency': 20,
      'web.disable': true,
      'selector-label': [['a', 'b']],
      secret: 's',
      'debug.name': undefined,
      'log.level': 'error',
      'log.format': 'logfmt',
    });
    expect(Object.isFrozen(values)).toBe(true);
  });

  test('come from argument files, line by line', async () => {
    const { code, values } = await run('store', '@args');
    expect(code).toBe(0);
    expect(values).toMatchObject({ 'objstore.config': 'x', 'data-dir': 'two words' });
  });

  test('of the folder may stand before the last word', async () => {
    const { code, values } = await run('tools', 'bucket', bucket, 'ls', '-o', 'json', '--id=a', '--id', 'b');
    expect(code).toBe(0);
    expect(values).toMatchObject({ output: 'json', id: ['a', 'b'], 'objstore.config': 'type: FILESYSTEM' });
  });
});

test('the reference list has every flag of ours that is not only ours, and no name twice', () => {
  for (const [name, flags] of Object.entries(referenceFlags)) {
    expect(new Set(flags).size, name).toBe(flags.length);
  }
  for (const name of Object.keys(rootFlags)) expect(referenceFlags['store']).toContain(name);
});
