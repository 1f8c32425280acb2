// Our own rules as a test: floors, closed doors, cycles, packages in one room, dead files. Prints house numbers too.
// Reads source text only, so it runs before anything else works.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type ParserPlugin, parse } from '@babel/parser';
import { entries, floors, openShelves, packageRooms, pureRooms } from './floors.ts';
import { projectRoot } from './golden.ts';

interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly string[];
}

const LONGEST_LINES = 600;

const root = projectRoot();
const files = ['cmd', 'pkg', 'dev', 'e2e', 'bench'].flatMap(sourceFiles);
const byPath = new Map(files.map((file) => [file.path, file]));
const problems = [
  ...files.flatMap(floorProblems),
  ...files.flatMap(packageProblems),
  ...cycleProblems(),
  ...deadFileProblems(),
  ...lengthProblems(),
];
for (const problem of problems) console.error(problem);
printHouseNumbers();
process.exitCode = problems.length === 0 ? 0 : 1;

function sourceFiles(folder: string): SourceFile[] {
  const found: SourceFile[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name) || entry.name.endsWith('.d.ts')) continue;
    const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
    if (path.includes('.generated.') || /\/(generated|assembly|testdata)\//.test(path)) continue;
    const text = readFileSync(join(root, path), 'utf8');
    found.push({ path, lineCount: text.split('\n').length - 1, imports: importsOf(path, text) });
  }
  return found;
}

/** What a file imports, statically or by `import('...')`: project paths from the root, or package names. */
function importsOf(path: string, text: string): string[] {
  const specifiers: string[] = [];
  const plugins: ParserPlugin[] = ['typescript', 'explicitResourceManagement'];
  if (path.endsWith('x')) plugins.push('jsx');
  const tree = parse(text, { sourceType: 'module', plugins });
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    if (node === null || typeof node !== 'object') return;
    const { type, source } = node as { type?: unknown; source?: unknown };
    if (type === 'ImportDeclaration' || type === 'ExportNamedDeclaration' || type === 'ExportAllDeclaration') {
      addSpecifier(source);
    }
    const { callee, arguments: args } = node as { callee?: { type?: unknown }; arguments?: unknown[] };
    if (type === 'CallExpression' && callee?.type === 'Import') addSpecifier(args?.[0]);
    if (type === 'ImportExpression') addSpecifier(source);
    for (const [key, value] of Object.entries(node)) if (key !== 'loc') visit(value);
  };
  const addSpecifier = (source: unknown): void => {
    const value = (source as { value?: unknown } | null | undefined)?.value;
    if (typeof value === 'string') specifiers.push(value);
  };
  visit(tree.program);
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(root, join(root, dirname(path), specifier)).replaceAll('\\', '/') : specifier,
  );
}

function roomOf(path: string): string | undefined {
  return path.startsWith('pkg/') ? path.split('/')[1] : undefined;
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}

function isTest(path: string): boolean {
  return /\.(test|fuzz|bench|e2e)\.ts$/.test(path) || isTestSupport(path);
}

function isTestSupport(path: string): boolean {
  return /(^|\/)(conformance|fake-[^/]*|[^/]*-fixture|[^/]*-conformance)\.ts$/.test(path);
}

function floorProblems(file: SourceFile): string[] {
  const room = roomOf(file.path);
  const out: string[] = [];
  if (room !== undefined && floorOf(room) < 0) out.push(`${file.path}: room ${room} stands on no floor`);
  for (const target of file.imports) {
    if (target.startsWith('cmd/') && room !== undefined)
      out.push(`${file.path}: imports ${target}, cmd is known by none`);
    const other = roomOf(target);
    if (!isTest(file.path) && /^(dev|e2e|bench)\//.test(target) && !/^(dev|e2e|bench)\//.test(file.path)) {
      out.push(`${file.path}: product code imports ${target}`);
    }
    if (other === undefined) continue;
    if (!isTest(file.path) && isTestSupport(target) && !/^(dev|e2e|bench)\//.test(file.path)) {
      out.push(`${file.path}: product code imports the test support ${target}`);
    }
    if (other === room) continue;
    // Tests may look at any room: fixtures of a low floor are often read by a higher one.
    if (room !== undefined && !isTest(file.path)) {
      if (floorOf(other) >= floorOf(room)) out.push(`${file.path}: imports ${target}, which is not on a lower floor`);
      if (pureRooms.has(room) && !pureRooms.has(other) && other !== 'errors' && other !== 'async') {
        out.push(`${file.path}: a pure room imports ${target}`);
      }
    }
    const shelf = dirname(target).replace(/^pkg\//, '');
    if (shelf.includes('/') && !openShelves.has(shelf) && !isTest(file.path)) {
      out.push(`${file.path}: opens the private folder ${shelf}`);
    }
  }
  return out;
}

function packageProblems(file: SourceFile): string[] {
  const room = roomOf(file.path);
  if (room === undefined || isTest(file.path)) return [];
  const out: string[] = [];
  for (const target of file.imports) {
    const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0];
    if (target.startsWith('node:') || byPath.has(target) || roomOf(target) !== undefined) continue;
    const home = packageRooms[name];
    if (home === undefined) out.push(`${file.path}: package ${name} is not in dev/floors.ts`);
    else if (!file.path.startsWith(`pkg/${home}/`)) out.push(`${file.path}: package ${name} belongs to ${home}`);
  }
  return out;
}

function cycleProblems(): string[] {
  const out: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      out.push(`import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
      return;
    }
    state.set(path, 'open');
    for (const target of byPath.get(path)?.imports ?? []) if (byPath.has(target)) walk(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const file of files) walk(file.path, []);
  return out;
}

function deadFileProblems(): string[] {
  const imported = new Set(files.flatMap((file) => file.imports));
  return files
    .filter((file) => file.path.startsWith('pkg/') && !/\.(test|fuzz|bench)\.ts$/.test(file.path))
    .filter((file) => !imported.has(file.path) && !file.path.endsWith('.worker.ts') && !entries.has(file.path))
    .map((file) => `${file.path}: nobody imports it`);
}

function lengthProblems(): string[] {
  return files
    .filter((file) => file.lineCount > LONGEST_LINES && !isTest(file.path))
    .map((file) => `${file.path}: ${file.lineCount} lines, more than ${LONGEST_LINES}`);
}

function printHouseNumbers(): void {
  const product = files.filter((file) => !isTest(file.path) && /^(pkg|cmd)\//.test(file.path));
  const lengths = product.map((file) => file.lineCount).sort((a, b) => a - b);
  const total = lengths.reduce((sum, lines) => sum + lines, 0);
  const tests = files.filter((file) => isTest(file.path)).reduce((sum, file) => sum + file.lineCount, 0);
  console.log(
    `tidy: ${product.length} files, ${total} lines, median ${lengths[lengths.length >> 1] ?? 0}, ` +
      `9 in 10 under ${lengths[Math.floor(lengths.length * 0.9)] ?? 0}, longest ${lengths.at(-1) ?? 0}; ` +
      `${(tests / Math.max(total, 1)).toFixed(2)} test lines a line; ${problems.length} problems`,
  );
}
