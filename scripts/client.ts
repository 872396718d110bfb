// Writes client/schema.ts, the types of the REST API: npm run client. A test compares it with what this would write.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument } from './client/document.ts'
import { schemaOf } from './client/schema-of.ts'

writeFileSync(join(import.meta.dirname, '../client/schema.ts'), schemaOf(await readDocument()))
