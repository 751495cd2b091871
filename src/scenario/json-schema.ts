import * as z from 'zod/mini';
import { scenarioSchema } from './schema';

/** The schema as JSON Schema (draft 2020-12), for editors. */
export function scenarioJsonSchema(): object {
  return {
    ...z.toJSONSchema(scenarioSchema),
    title: 'Scenario of the FTP firewall lab',
    description: 'One experiment: one firewall, one FTP session, one claim.',
  };
}
