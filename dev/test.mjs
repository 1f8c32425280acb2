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

/** One vitest project; its own figures come from the JSON report. */
function suite(project) {
  const begun = Date.now();
  const folder = join(root, '.tmp');
  mkdirSync(folder, { recursive: true });
  const report = join(folder, `${project}.json`);
  rmSync(report, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests'];
  // Thousands of tests: only what fails is worth a line, and that is printed below.
  const reporters = ['--silent', '--reporter=json', `--outputFile.json=${report}`];
  const result = spawnSync(process.execPath, [...args, ...reporters], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NO_COLOR: '1', ...(soak ? { TRIBUTARY_SOAK: '1' } : {}) },
  });
  if (!existsSync(report)) {
    failed++;
    console.log(`failed: ${project} wrote no report`);
    return;
  }
  const answer = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`${project}: ${answer.numTotalTests} tests in ${Math.round((Date.now() - begun) / 1000)} s`);
  passed += answer.numPassedTests;
  failed += answer.numFailedTests;
  for (const file of answer.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'failed') {
        console.log(`failed: ${test.fullName}`);
        for (const message of test.failureMessages) console.log(indented(message));
      }
      if (test.status === 'pending' || test.status === 'skipped' || test.status === 'todo') skipped.push(test.fullName);
    }
    // A file that fails to load has no tests of its own to count.
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
      failed++;
      console.log(`failed: ${file.name}: ${file.message}`);
    }
  }
  if (result.status !== 0 && answer.numFailedTests === 0) {
    failed++;
    console.log(`failed: ${project} ended with ${result.status}`);
  }
}
