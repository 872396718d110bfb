import type { Terminal } from '../terminal.ts'

const EVERY_MS = 200
const WIDTH = 24

/** Shows a person how far it is; a program sees nothing. */
export interface Progress {
  /** Takes the bar away. */
  stop(): void
}

/** Starts a progress bar. `messages` and `share` are asked now and then; a share of 0 is one that nobody knows. */
export function startProgress(
  terminal: Terminal,
  facts: { readonly messages: () => number; readonly share: () => number },
): Progress {
  if (!terminal.interactive) return { stop: () => undefined }
  const started = performance.now()
  const draw = (): void => {
    const share = Math.min(1, facts.share())
    const filled = Math.round(share * WIDTH)
    const messages = facts.messages()
    const rate = Math.round((messages * 1_000) / Math.max(1, performance.now() - started))
    const bar = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(share * 100)} %`
    const figures = `${messages.toLocaleString('en')} messages  ${rate.toLocaleString('en')}/s`
    terminal.err(`\r${share > 0 ? `${bar}  ` : ''}${figures}\u001b[K`)
  }
  const timer = setInterval(draw, EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      terminal.err('\r\u001b[K')
    },
  }
}
