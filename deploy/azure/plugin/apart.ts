import type { Plugin } from 'esbuild'

/** The file that holds the packages which are kept apart. */
export const APART = 'apart.js'

/** Packages that were asked for, by their files, in the order in which they were first asked for. */
export interface Apart {
  readonly plugin: Plugin
  /** The module that gives each of them by its place, evaluated when it is first asked for; `undefined` if none was. */
  source(): string | undefined
}

/**
 * Keeps packages out of a bundle: they lie in a file beside it, which is read when the first of them is needed. What no
 * start needs is not even parsed then.
 */
export function keepApart(packages: readonly string[]): Apart {
  const files: string[] = []
  const names = packages.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  const filter = new RegExp(`^(?:${names.join('|')})(?:/|$)`)
  return {
    plugin: {
      name: 'apart',
      setup(build) {
        build.onResolve({ filter }, async ({ path, resolveDir, kind, pluginData }) => {
          if (pluginData === APART) return undefined
          const found = await build.resolve(path, { resolveDir, kind, pluginData: APART })
          if (found.errors.length > 0) return found
          if (!files.includes(found.path)) files.push(found.path)
          return { path: String(files.indexOf(found.path)), namespace: 'apart' }
        })
        build.onLoad({ filter: /./, namespace: 'apart' }, ({ path }) => ({
          contents: `module.exports = require('./${APART}').get(${path})`,
        }))
        build.onResolve({ filter: /^\.\//, namespace: 'apart' }, ({ path }) => ({
          path,
          external: true,
        }))
      },
    },
    source() {
      if (files.length === 0) return undefined
      const loads = files.map((file) => `() => require(${JSON.stringify(file)})`)
      return `const files = [${loads.join(', ')}]\nexports.get = (index) => files[index]()\n`
    },
  }
}
