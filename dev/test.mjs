// Runs everything a change must pass: format and lint, the floors, unit tests, end-to-end tests; `--soak` runs the long
// lists as well. Prints one closing line, `N passed, N failed`. Where the peers and golden data are at hand, a skipped
// test is a failure on CI: it would hide a hole.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const soak = process.argv.includes('--soak');
const onCi = process.env.CI === 'true';
// The build is there by now; it knows where golden data and peers are looked for.
const { sharedDir } = await import('../dist/dev/golden.js');
const sharedIsThere = sharedDir() !== undefined;

const MESSAGE_LINES = 60;
/** More than this is no accident of the machine. */
const TOLD_AGAIN_AT_MOST = 3;

let passed = 0;
let failed = 0;
const skipped = [];

step('biome check', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']);
step('tidy', ['dist/dev/tidy.js']);
suite('unit');
suite('e2e');

for (const name of skipped) console.log(`skipped: ${name}`);
if (onCi && sharedIsThere && skipped.length > 0) {
  console.log(`${skipped.length} skipped where nothing may be skipped`);
  failed += skipped.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** One check that is a program of its own. */
function step(name, args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status === 0) passed++;
  else {
    failed++;
    console.log(`failed: ${name}`);
  }
}

function indented(text) {
  return text
    .split('\n')
    .slice(0, MESSAGE_LINES)
    .map((line) => `    ${line}`)
    .join('\n');
}

/**
 * One vitest project. A file that fails is told once more, alone, and what failed is printed either way: ports and
 * processes belong to the machine, and one of a thousand going wrong there must not hide behind a green line, nor stop
 * a change that is sound.
 */
function suite(project) {
  const begun = Date.now();
  let told = run(project, []);
  if (told === undefined) {
    failed++;
    console.log(`failed: ${project} wrote no report`);
    return;
  }
  const files = failedFiles(told);
  if (files.length > 0 && files.length <= TOLD_AGAIN_AT_MOST) {
    print(told, 'failed at first');
    const again = run(project, files);
    if (again !== undefined) told = merged(told, again, files);
  }
  console.log(`${project}: ${told.tests.length} tests in ${Math.round((Date.now() - begun) / 1000)} s`);
  for (const { status, fullName } of told.tests) {
    if (status === 'passed') passed++;
    else if (status === 'failed') failed++;
    else skipped.push(fullName);
  }
  print(told, 'failed');
  // A file that fails to load, or in a hook, has no failed test of its own to count.
  failed += failedFiles(told).filter((name) => !told.tests.some((test) => test.file === name && isFailed(test))).length;
  if (told.exitCode !== 0 && failedFiles(told).length === 0) {
    failed++;
    console.log(`failed: ${project} ended with ${told.exitCode}`);
  }
}

/** Runs the project's files, all or only these; undefined when vitest has left no report. */
function run(project, files) {
  const folder = join(root, '.tmp');
  mkdirSync(folder, { recursive: true });
  const [report, stories] = [join(folder, `${project}.json`), join(folder, `${project}-stories.json`)];
  for (const path of [report, stories]) rmSync(path, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests', ...files];
  // Thousands of tests: only what fails is worth a line, and that is printed here.
  const reporters = ['--reporter=json', `--outputFile.json=${report}`, '--reporter=./dev/story-reporter.mjs'];
  const { status } = spawnSync(process.execPath, [...args, ...reporters], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      NO_COLOR: '1',
      TRIBUTARY_STORY_REPORT: stories,
      ...(soak ? { TRIBUTARY_SOAK: '1' } : {}),
    },
  });
  if (!existsSync(report)) return undefined;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return {
    exitCode: status,
    files: testResults.map(({ name, status: fileStatus, message }) => ({ name, status: fileStatus, message })),
    tests: testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((test) => ({ file: name, ...test })),
    ),
    stories: existsSync(stories) ? JSON.parse(readFileSync(stories, 'utf8')) : [],
  };
}

function isFailed({ status }) {
  return status === 'failed';
}

function failedFiles({ files, tests }) {
  const names = [...files.filter(isFailed).map(({ name }) => name), ...tests.filter(isFailed).map(({ file }) => file)];
  return [...new Set(names)];
}

/** The first telling, with these files as they were in the second. */
function merged(first, second, files) {
  const told = new Set(files);
  return {
    exitCode: second.exitCode,
    files: [...first.files.filter(({ name }) => !told.has(name)), ...second.files],
    tests: [...first.tests.filter(({ file }) => !told.has(file)), ...second.tests],
    stories: second.stories,
  };
}

/** Everything that is known of what failed. */
function print({ files, tests, stories }, word) {
  for (const { fullName, failureMessages } of tests.filter(isFailed)) {
    console.log(`${word}: ${fullName}`);
    for (const message of failureMessages) console.log(indented(message));
  }
  for (const { name, message } of files.filter(isFailed)) console.log(`${word}: ${name}: ${message}`);
  for (const { name, hooks, output } of stories) {
    for (const hook of hooks) console.log(`${word}: ${name}\n${indented(hook)}`);
    if (output !== '')
      console.log(`what ${name} printed:\n${indented(output.split('\n').slice(-MESSAGE_LINES).join('\n'))}`);
  }
}
