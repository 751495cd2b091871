// Writes lab/run-result.schema.json, the JSON Schema of result documents, from the types they are made of.
// With --print it goes to standard output instead; a test compares the two.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TYPE = 'ResultDocument';

const { $schema, ...schema } = createGenerator({
  path: join(ROOT, 'src/report/json.ts'),
  tsconfig: join(ROOT, 'tsconfig.json'),
  type: TYPE,
  topRef: false,
  // tsc is for types; this is for their shape.
  skipTypeCheck: true,
  // Fields may be added within a version.
  additionalProperties: true,
}).createSchema(TYPE);
const title = 'Results of the FTP firewall lab';
const text = `${JSON.stringify({ $schema, title, ...schema }, null, 2)}\n`;
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(join(ROOT, 'lab/run-result.schema.json'), text);
