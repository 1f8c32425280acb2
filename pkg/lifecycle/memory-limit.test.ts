import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { memoryLimit } from './memory-limit.ts';

const GiB = 2 ** 30;

function limitWith(files: Readonly<Record<string, string>>): number {
  return memoryLimit({
    machineBytes: () => 64 * GiB,
    readText(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT ${path}`);
      return text;
    },
  });
}

describe('the memory a process may use', () => {
  for (const [what, files, expected] of [
    ['is the machine where there are no control groups', {}, 64 * GiB],
    [
      'is that of a container of version 2, which sees itself as the root',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '536870912\n' },
      GiB / 2,
    ],
    [
      'is the least of the groups above in version 2',
      {
        '/proc/self/cgroup': '0::/kubepods/pod1/c1\n',
        '/sys/fs/cgroup/kubepods/pod1/c1/memory.max': 'max\n',
        '/sys/fs/cgroup/kubepods/pod1/memory.max': '1073741824\n',
        '/sys/fs/cgroup/kubepods/memory.max': '8589934592\n',
      },
      GiB,
    ],
    [
      'is that of version 1',
      {
        '/proc/self/cgroup': '5:cpu,cpuacct:/docker/c\n4:memory:/docker/c\n',
        '/sys/fs/cgroup/memory/docker/c/memory.limit_in_bytes': '2147483648\n',
      },
      2 * GiB,
    ],
    [
      'is that of version 1 where the container sees its own group as the root',
      {
        '/proc/self/cgroup': '4:memory:/docker/c\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '3221225472\n',
      },
      3 * GiB,
    ],
    [
      'is the machine where version 1 prints no limit',
      {
        '/proc/self/cgroup': '4:memory:/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      },
      64 * GiB,
    ],
  ] as const) {
    test(what, () => assert.equal(limitWith(files), expected));
  }

  test('of this very process is more than nothing', () => assert.ok(memoryLimit() > 2 ** 20));
});
