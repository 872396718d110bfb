import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A bound, not a measure: a busy machine takes longer to show the same.
    expect: { poll: { timeout: 8_000 } },
  },
})
