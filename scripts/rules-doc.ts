// Writes docs/rules.md, docs/config.md and docs/codecs.md: npm run docs:rules. A test compares them with what this would write.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codecsDoc } from './docs/codecs-doc.ts'
import { configDoc } from './docs/config-doc.ts'
import { rulesDoc } from './docs/rules-doc.ts'

const folder = join(import.meta.dirname, '../docs')
writeFileSync(join(folder, 'rules.md'), await rulesDoc())
writeFileSync(join(folder, 'config.md'), configDoc())
writeFileSync(join(folder, 'codecs.md'), codecsDoc())
