// Builds the page after "npm ci" in a checkout. Where the tools of development were left out there is nothing to build with.

if (isThere('vite') && isThere('@vitejs/plugin-react')) await import('./build-dashboard.mjs')

function isThere(name) {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
