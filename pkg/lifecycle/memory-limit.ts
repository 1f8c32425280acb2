// How much memory this process may use: the container's limit where there is one, else what the machine has.

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';

export interface MemoryLimitDeps {
  /** Throws when there is no such file. */
  readonly readText: (path: string) => string;
  /** Bytes of the machine. */
  readonly machineBytes: () => number;
}

const system: MemoryLimitDeps = {
  readText: (path) => readFileSync(path, 'utf8'),
  machineBytes: totalmem,
};

/**
 * Bytes: the least limit of the control groups this process is in, version 1 or 2, and of the machine. Inside a container
 * the groups above it may not be visible; its own is then the root of what is.
 */
export function memoryLimit({ readText, machineBytes }: MemoryLimitDeps = system): number {
  let limit = machineBytes();
  for (const path of limitFiles(readText)) {
    const bytes = Number(textOf(readText, path)?.trim());
    // 'max' is no number, and version 1 prints no limit as one that no machine has.
    if (Number.isFinite(bytes) && bytes > 0 && bytes < limit) limit = bytes;
  }
  return limit;
}

function limitFiles(readText: MemoryLimitDeps['readText']): readonly string[] {
  const files: string[] = [];
  for (const line of (textOf(readText, '/proc/self/cgroup') ?? '0::/').split('\n')) {
    // 12:memory:/docker/1234   or, in version 2,   0::/system.slice/x.service
    const parts = /^(\d+):([^:]*):(.*)$/.exec(line);
    if (parts === null) continue;
    const [, , controllers, path] = parts;
    if (controllers === '') {
      for (const group of upwards(path)) files.push(join('/sys/fs/cgroup', group, 'memory.max'));
    } else if (controllers.split(',').includes('memory')) {
      for (const group of upwards(path)) files.push(join('/sys/fs/cgroup/memory', group, 'memory.limit_in_bytes'));
    }
  }
  return files;
}

/** The group and all above it. */
function upwards(path: string): readonly string[] {
  const groups = [path];
  for (let at = path; dirname(at) !== at; ) groups.push((at = dirname(at)));
  return groups;
}

function textOf(readText: MemoryLimitDeps['readText'], path: string): string | undefined {
  try {
    return readText(path);
  } catch {
    return undefined; // Another version of control groups, another system, or no right to look.
  }
}
