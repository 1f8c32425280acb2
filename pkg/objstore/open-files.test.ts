import { existsSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { OpenFiles } from './open-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'open-files-'));
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => vi.useRealTimers());

function setUp(mostFiles = 128) {
  let opened = 0;
  const files = new OpenFiles((path) => {
    opened++;
    return open(path, 'r');
  }, mostFiles);
  const text = (name: string) =>
    files.using(join(directory, name), async (file) =>
      (await file.read(Buffer.alloc(9), 0, 9, 0)).buffer.toString('utf8').replaceAll('\0', ''),
    );
  return { files, text, opened: () => opened };
}

describe('open files', () => {
  test('are opened once for many reads', async () => {
    writeFileSync(join(directory, 'a'), 'one');
    const { files, text, opened } = setUp();
    expect(await Promise.all([text('a'), text('a'), text('a')])).toEqual(['one', 'one', 'one']);
    expect(await text('a')).toBe('one');
    expect(opened()).toBe(1);
    await files.close();
  });

  test('are opened anew once forgotten, or too old', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const { files, text, opened } = setUp();
    const replace = (to: string): void => {
      writeFileSync(join(directory, 'new'), to);
      renameSync(join(directory, 'new'), join(directory, 'b'));
    };
    replace('one');
    expect(await text('b')).toBe('one');
    replace('two');
    files.forget(join(directory, 'b'));
    expect(await text('b')).toBe('two');
    replace('three');
    expect(await text('b')).toBe('two');
    vi.advanceTimersByTime(10_001);
    expect(await text('b')).toBe('three');
    expect(opened()).toBe(3);
    await files.close();
  });

  test('that are missing fail each time, and are found once they are there', async () => {
    const { files, text } = setUp();
    await expect(text('late')).rejects.toThrow(/ENOENT/);
    writeFileSync(join(directory, 'late'), 'here');
    expect(await text('late')).toBe('here');
    await files.close();
  });

  test.runIf(existsSync('/proc/self/fd'))('stay few, and none stays open after the end', async () => {
    // Those of the tests before may still be closing.
    await vi.waitFor(() => expect(openFileCount()).toBe(0));
    const { files, text } = setUp();
    for (let i = 0; i < 300; i++) {
      writeFileSync(join(directory, `n${i}`), 'x');
      await text(`n${i}`);
    }
    expect(openFileCount()).toBeLessThan(200);
    await files.close();
    await vi.waitFor(() => expect(openFileCount()).toBe(0));
  });

  test('may be more while they are being read, and the one used last stays', async () => {
    const { files, text, opened } = setUp(2);
    const names = ['p', 'q', 'r', 's'];
    for (const name of names) writeFileSync(join(directory, name), name);
    expect(await Promise.all(names.map(text))).toEqual(names);
    expect(opened()).toBe(4);
    await text('p');
    await text('q');
    const before = opened();
    expect([await text('p'), await text('q')]).toEqual(['p', 'q']);
    expect(opened()).toBe(before);
    await files.close();
  });
});

/** Files that this process has open below the directory. */
function openFileCount(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
}
