// Builds the page after "npm ci" in a checkout. Where the tools of development were left out there is nothing to build with.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

if (isThere('vite') && isThere('@vitejs/plugin-react')) await import('./build-dashboard.mjs')

function isThere(name) {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}
