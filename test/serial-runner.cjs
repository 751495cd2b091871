// Jest's own runner, one file at a time and after all others: the Docker tests share the machine's engine, whose
// images and containers some of them change.
const { default: TestRunner } = require('jest-runner');

class SerialRunner extends TestRunner {
  isSerial = true;
}

module.exports = SerialRunner;
