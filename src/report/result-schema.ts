import schema from '../../lab/run-result.schema.json';

/** The JSON Schema (draft-07) of result documents, generated from their types by `npm run schema`. */
export function resultJsonSchema(): object {
  return schema;
}
