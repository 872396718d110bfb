import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { PAGES } from '../pages.ts'

/** So long a letter after `g` belongs to it. Unit: ms. */
const CHORD_MS = 1_200

/** `/` goes to the search, `g` and a letter to a page. */
export function useKeys(): void {
  const [, navigate] = useLocation()
  useEffect(() => {
    let chordAt = Number.NEGATIVE_INFINITY
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (event.key === '/') {
        const search = document.getElementById('search')
        if (!(search instanceof HTMLInputElement)) return
        event.preventDefault()
        search.focus()
        search.select()
        return
      }
      const chord = performance.now() - chordAt < CHORD_MS
      chordAt = event.key === 'g' ? performance.now() : Number.NEGATIVE_INFINITY
      const page = chord ? PAGES.find(({ nav }) => nav?.key === event.key) : undefined
      if (page !== undefined) navigate(page.path)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [navigate])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select'))
  )
}
