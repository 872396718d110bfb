// The page as the server and any static host serve it: dashboard/dist.

import { join } from 'node:path'
import { build } from 'vite'

// Whoever builds it, a test say: with anything else React brings its checks for developers along.
process.env.NODE_ENV = 'production'

await build({
  configFile: join(import.meta.dirname, '../dashboard/vite.config.ts'),
  logLevel: 'warn',
})
