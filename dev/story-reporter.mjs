// What vitest's JSON report leaves out: errors of hooks, which fail a whole file without failing a test, and what a failed
// file has printed. Kept for the runner in the file that TRIBUTARY_STORY_REPORT names. Plain JavaScript, as the runner is.

import { writeFileSync } from 'node:fs';

/** Of each file's own output, the last of it is kept. */
const OUTPUT_CHARACTERS = 12_000;

export default class StoryReporter {
  #output = new Map();
  #failed = [];

  onUserConsoleLog({ content, taskId }) {
    const file = taskId?.split('_')[0] ?? '';
    this.#output.set(file, ((this.#output.get(file) ?? '') + content).slice(-OUTPUT_CHARACTERS));
  }

  onTestModuleEnd(module) {
    const file = module.id.split('_')[0];
    const output = this.#output.get(file) ?? '';
    this.#output.delete(file);
    if (module.ok()) return;
    const hooks = [...suites(module)].flatMap((suite) => suite.errors().map((error) => textOf(suite, error)));
    this.#failed.push({ name: module.moduleId, hooks, output });
  }

  onTestRunEnd() {
    const path = process.env.TRIBUTARY_STORY_REPORT;
    if (path !== undefined) writeFileSync(path, JSON.stringify(this.#failed));
  }
}

function* suites(module) {
  yield module;
  yield* module.children.allSuites();
}

function textOf(suite, error) {
  return `${suite.fullName ?? suite.moduleId}: ${error.stack ?? error.message}`;
}
