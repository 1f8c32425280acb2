// Loads what is bundled: the build puts this file into `dist`, and every program begins here. A script is taken from what V8
// made of it when it was built, unless this is another Node or one with other settings: then it is compiled from its text.
// Plain JavaScript and no module, because it runs before anything is loaded.

'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { constants, Script } = require('node:vm');

const FOLDER = join(__dirname, 'chunks');
const FOLDER_URL = pathToFileURL(`${FOLDER}/`).href;
const CACHE_SUFFIX = '.v8';

const loaded = new Map();
/** All caches are of one Node: when one is refused, so are the others. */
let hasCaches = true;

/** The exports of a script by its name in `chunks`; it is run once. */
function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const path = join(FOLDER, name);
  const text = readFileSync(path, 'utf8');
  const cachedData = cacheOf(path);
  const script = new Script(`(function (exports, require, module, FOLDER_URL) { 'use strict'; ${text}\n})`, {
    filename: path,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (script.cachedDataRejected) hasCaches = false;
  exports.onCompiled?.(path + CACHE_SUFFIX, script);
  script.runInThisContext()(module.exports, required, module, FOLDER_URL);
  return module.exports;
}

/** What is bundled lies in one folder; the rest is Node's own. */
function required(name) {
  return name.startsWith('./') ? load(name.slice(2)) : require(name);
}

function cacheOf(path) {
  if (!hasCaches) return undefined;
  try {
    return readFileSync(path + CACHE_SUFFIX);
  } catch {
    return undefined;
  }
}

exports.load = load;
/** Told of every script, and where its cache belongs: for the build, which makes the caches. */
exports.onCompiled = undefined;
