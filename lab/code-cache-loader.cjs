#!/usr/bin/env node
// Runs the bundle beside this file (NAME.code.js) with V8's code cache (NAME.cache) where it fits this
// Node; where it does not, V8 refuses it and compiles as ever. `npm run build` copies it for each bundle.
const { readFileSync, writeFileSync } = require('fs');
const { Script } = require('vm');

const base = __filename.slice(0, -'.js'.length);
const file = `${base}.code.js`;
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8').replace(/^#!.*/, '')}\n})`;
let cachedData;
try {
  cachedData = readFileSync(`${base}.cache`);
} catch {
  // Not built with one.
}
const script = new Script(source, { filename: file, cachedData });
if (process.env.LAB_WRITE_CODE_CACHE) {
  process.on('exit', () => writeFileSync(`${base}.cache`, script.createCachedData()));
}
// V8 marks its heap in small steps until half a second is over, and where the clock stands still meanwhile
// that is half a second of doing nothing, each time.
if (process.env.LAB_VIRTUAL_TIME) require('v8').setFlagsFromString('--no-incremental-marking');
script.runInThisContext()(exports, require, module, file, __dirname);
