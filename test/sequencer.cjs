// The order of test files: the one that has the catalogue recorded comes first, and those that read the record
// last, so that no worker waits for it; of the others first what took longest.
const { readFileSync } = require('node:fs');
const { default: Sequencer } = require('@jest/test-sequencer');

const RECORDER = /test\/cli\/scenarios\.test\.ts$/;
/** What reads the record, itself or by a helper beside it. */
const READS = /from '(?:\.\.\/catalogue|\.\/recorded|\.\/ladder-cases)'/;

class RecordFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => (RECORDER.test(path) ? 0 : READS.test(readFileSync(path, 'utf8')) ? 2 : 1);
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}

module.exports = RecordFirst;
