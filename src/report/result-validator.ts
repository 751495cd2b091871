import Ajv from 'ajv';
import type { ResultDocument } from './json';
import { resultJsonSchema } from './result-schema';

/**
 * Checks a document against the published schema. In the bundle this module is replaced by the code that
 * it would make here (lab/build.mjs), for making it takes longer than drawing a report.
 */
export const validateDocument = new Ajv({ allowUnionTypes: true }).compile<ResultDocument>(
  resultJsonSchema(),
);
