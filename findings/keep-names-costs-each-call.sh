#!/bin/sh
# esbuild 0.28 with --keep-names gives a function its name where it is made, and not where it is written: an arrow
# function kept in a constant inside another function goes through Object.defineProperty at each call of that one,
# although its name would have been the same. In a function that is called for each packet of a download one such
# constant took as long as all the rest. A method, or the function written where it is passed, costs nothing.
#
# Installs the package into a folder of its own. Fails if that changes.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-save --no-audit --no-fund esbuild@0.28.2 > /dev/null 2>&1 || { echo 'cannot be had: esbuild'; exit 4; }
cat > kept.js <<'JS'
export function count(words) {
  const isLong = (word) => word.length > 3;
  return words.filter(isLong).length;
}
export function countInPlace(words) {
  return words.filter((word) => word.length > 3).length;
}
JS
for names in --keep-names ''; do
  # shellcheck disable=SC2086 # an option or none
  ./node_modules/.bin/esbuild kept.js --format=cjs $names --outfile=out.cjs --log-level=error
  node -e '
    const define = Object.defineProperty;
    let defined = 0;
    Object.defineProperty = (...args) => { defined += 1; return define(...args); };
    const { count, countInPlace } = require("./out.cjs");
    const during = (call) => {
      const before = defined;
      for (let n = 0; n < 1000; n += 1) call(["one", "three"]);
      return defined - before;
    };
    console.log(`${during(count)} and ${during(countInPlace)}`);' >> seen
done
echo "Object.defineProperty in 1000 calls, function in a constant and in place:"
paste -d ' ' - seen <<'TEXT'
with --keep-names:
without:
TEXT
[ "$(cat seen)" = "$(printf '1000 and 0\n0 and 0')" ] || { echo 'this has changed'; exit 1; }
