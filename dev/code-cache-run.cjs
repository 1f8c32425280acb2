// Runs the bundled program of a build, as `node code-cache-run.cjs DIST ARGUMENTS...`, and keeps what V8 made of its code:
// beside each script, at the end of the process, and in threads after each job. Only a larger cache replaces one that is
// there: the next run begins with it, and so what several runs use comes together. Plain JavaScript, as in every build.

'use strict';

const { existsSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const threads = require('node:worker_threads');

const dist = threads.isMainThread ? process.argv[2] : threads.getEnvironmentData('dist');
const start = require(join(dist, 'start.cjs'));
const scripts = new Map();
start.onCompiled = (path, script) => scripts.set(path, script);

if (threads.isMainThread) {
  threads.setEnvironmentData('dist', dist);
  threads.Worker = class extends threads.Worker {
    constructor(script, options) {
      super(script, { ...options, execArgv: ['--require', __filename] });
    }
  };
  process.on('exit', keep);
  process.argv.splice(1, 2, join(dist, 'cmd', 'main.js'));
  start.load('cmd-main.cjs');
} else {
  const port = threads.parentPort;
  const post = port.postMessage;
  port.postMessage = (...message) => {
    keep();
    post.apply(port, message);
  };
}

function keep() {
  for (const [path, script] of scripts) {
    const bytes = script.createCachedData();
    if (existsSync(path) && statSync(path).size >= bytes.length) continue;
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  }
}
