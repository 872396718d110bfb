import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const OUT = join(import.meta.dirname, 'dist')

/** Puts a .gz and a .br beside every text, so that no server has to compress it. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(?:js|css|svg)$/.test(entry)) continue
        const bytes = readFileSync(join(OUT, entry))
        if (bytes.length < 1_000) continue
        writeFileSync(join(OUT, `${entry}.gz`), gzipSync(bytes, { level: 9 }))
        writeFileSync(join(OUT, `${entry}.br`), brotliCompressSync(bytes))
      }
    },
  }
}

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page may lie in any folder of a bucket.
  base: './',
  plugins: [react(), compressed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: ['chrome125', 'edge125', 'firefox126', 'safari17.5'],
    // The content security policy of the server lets nothing in that stands in the page itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
  },
  server: {
    // "npx vite dashboard": the page of this folder, the API of a cloud that runs.
    proxy: {
      '^/(?!src|@|node_modules|assets|config\\.json|icon\\.svg|$)': {
        target: 'http://127.0.0.1:8080',
        changeOrigin: true,
      },
    },
  },
})
