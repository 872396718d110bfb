import type { ScriptEngine } from '../../core/index.ts'

/** How many scripts are kept: lines about one device mostly stand together. */
const MOST = 16

/** The engine, with the last scripts kept open: a line names its script anew, and reading one takes longer than a call. */
export function keepingScripts(engine: ScriptEngine): ScriptEngine {
  const kept = new Map<string, ReturnType<ScriptEngine['open']>>()
  return {
    open(source, names, limits, called) {
      const key = JSON.stringify([source, names, limits, called])
      const script = kept.get(key) ?? engine.open(source, names, limits, called)
      // The one used last stands last.
      kept.delete(key)
      kept.set(key, script)
      for (const [oldest] of kept) {
        if (kept.size <= MOST) break
        kept.delete(oldest)
      }
      return script
    },
  }
}
