// Writes docs/rules.md and docs/config.md: npm run docs:rules. A test compares them with what this would write.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDoc } from './docs/config-doc.ts'
import { rulesDoc } from './docs/rules-doc.ts'

const folder = join(import.meta.dirname, '../docs')
writeFileSync(join(folder, 'rules.md'), await rulesDoc())
writeFileSync(join(folder, 'config.md'), configDoc())
