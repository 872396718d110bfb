import { useSyncExternalStore } from 'react'

export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'anyhub-theme'
const listeners = new Set<() => void>()
const dark = matchMedia('(prefers-color-scheme: dark)')

function kept(): Theme {
  const found = localStorage.getItem(KEY)
  return found === 'light' || found === 'dark' ? found : 'auto'
}

function apply(): void {
  const theme = kept()
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  for (const listener of listeners) listener()
}

/** Puts the chosen theme on; the system's unless one was chosen. */
export function startTheme(): void {
  apply()
  dark.addEventListener('change', apply)
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  apply()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, kept)
}

/** What is seen now: whoever draws on a canvas has to draw again when it changes. */
export function useShownTheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, () => {
    const theme = kept()
    return theme === 'auto' ? (dark.matches ? 'dark' : 'light') : theme
  })
}
