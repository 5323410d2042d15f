// The JSON Schema of all messages, made from Microsoft's TypeScript types, made stricter where TypeScript
// cannot say it: integer ranges, the form of URIs.
import { createGenerator } from 'ts-json-schema-generator';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = path.dirname(fileURLToPath(import.meta.url));
const URI = '^[a-zA-Z][a-zA-Z0-9+.-]*:[^\\s<>"{}|\\\\^`]*$';

export function makeSchema() {
  const schema = createGenerator({
    path: path.join(here, 'messages.ts'),
    tsconfig: path.join(here, 'tsconfig.json'),
    type: 'All',
    expose: 'all',
    additionalProperties: false,
  }).createSchema('All');
  const patch = (name, change) => {
    if (!schema.definitions[name]) throw new Error(`the types no longer define ${name}`);
    Object.assign(schema.definitions[name], change);
  };
  patch('uinteger', { type: 'integer', minimum: 0, maximum: 2147483647 });
  patch('integer', { type: 'integer', minimum: -2147483648, maximum: 2147483647 });
  patch('DocumentUri', { pattern: URI });
  patch('URI', { pattern: URI });
  return schema;
}
