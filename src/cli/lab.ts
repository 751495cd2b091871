import { main } from './main';

void main(process.argv.slice(2)).then((code) => {
  // All is printed once an empty write is; what libraries still wait for then is of no interest.
  process.stdout.write('', () => process.exit(code));
});
