import type { Plugin } from 'esbuild'

/** Packages that were asked for, by their files, in the order in which they were first asked for. */
export interface Apart {
  /** For a bundle whose way to the root of the zip is this: `./` or `../`. */
  pluginAt(root: string): Plugin
  /** For each package that was asked for the name of its file, and the module that gives its parts by their places. */
  sources(): readonly (readonly [file: string, source: string])[]
}

/** Whether a file of a zip is that of a package which is kept apart. */
export const isApart = (name: string): boolean => /^apart\/[\w.-]+\.js$/.test(name)

/**
 * Keeps packages out of bundles: each lies in a file beside them, which is read when it is first needed. What no start
 * needs is not even parsed then.
 */
export function keepApart(packages: readonly string[]): Apart {
  const parts = new Map<string, string[]>()
  const names = packages.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  const filter = new RegExp(`^(${names.join('|')})(?:/|$)`)
  return {
    pluginAt: (root) => ({
      name: 'apart',
      setup(build) {
        build.onResolve({ filter }, async ({ path, resolveDir, kind, pluginData }) => {
          if (pluginData === OWN) return undefined
          const found = await build.resolve(path, { resolveDir, kind, pluginData: OWN })
          if (found.errors.length > 0) return found
          const file = fileOf(filter.exec(path)?.[1] ?? '')
          const there = parts.get(file) ?? []
          parts.set(file, there)
          if (!there.includes(found.path)) there.push(found.path)
          return { path: `${file} ${there.indexOf(found.path)}`, namespace: 'apart' }
        })
        build.onLoad({ filter: /./, namespace: 'apart' }, ({ path }) => {
          const [file, place] = path.split(' ')
          return { contents: `module.exports = require('${root}${file}').get(${place})` }
        })
        build.onResolve({ filter: /^\.\.?\//, namespace: 'apart' }, ({ path }) => ({
          path,
          external: true,
        }))
      },
    }),
    sources: () =>
      [...parts].map(([file, paths]) => {
        const loads = paths.map((path) => `() => require(${JSON.stringify(path)})`)
        return [
          file,
          `const parts = [${loads.join(', ')}]\nexports.get = (place) => parts[place]()\n`,
        ]
      }),
  }
}

/** Marks what we resolve ourselves. */
const OWN = 'apart'

function fileOf(name: string): string {
  return `apart/${name.replace(/^@/, '').replaceAll('/', '-')}.js`
}
