// Loads what is bundled: the build puts this file into `dist`, and every program begins here. A script is taken from what V8
// made of it when it was built, unless this is another Node or one with other settings: then it is compiled from its text.
// Plain JavaScript and no module, because it runs before anything is loaded.

'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { cachedDataVersionTag } = require('node:v8');
const { constants, Script } = require('node:vm');

const FOLDER = join(__dirname, 'chunks');
const FOLDER_URL = pathToFileURL(`${FOLDER}/`).href;
/** A cache is good for one V8 with one set of settings, which it is named for: each program finds its own or none. */
const CACHE_SUFFIX = `.${cachedDataVersionTag().toString(16)}.v8`;

const loaded = new Map();

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
  exports.onCompiled?.(path + CACHE_SUFFIX, script);
  script.runInThisContext()(module.exports, required, module, FOLDER_URL);
  return module.exports;
}

/** What is bundled lies in one folder; the rest is Node's own. */
function required(name) {
  return name.startsWith('./') ? load(name.slice(2)) : require(name);
}

function cacheOf(path) {
  try {
    return readFileSync(path + CACHE_SUFFIX);
  } catch {
    return undefined;
  }
}

exports.load = load;
/** Told of every script, and where its cache belongs: for the build, which makes the caches. */
exports.onCompiled = undefined;
