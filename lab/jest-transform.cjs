// Jest reads TypeScript through the same esbuild that bundles the lab; types are tsc's business.
const { transformSync } = require('esbuild');

module.exports = {
  process(source, filename) {
    return transformSync(source, {
      loader: filename.endsWith('x') ? 'tsx' : 'ts',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      format: 'cjs',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: filename,
    });
  },
};
