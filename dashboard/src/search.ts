import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'

const AT = '/search/'

/** After such a pause what was typed is a search. Unit: ms. */
const PAUSE_MS = 200

/** What is searched for: it stands in the address, so that it can be sent to somebody. */
export function useSearch(): {
  readonly query: string
  readonly searchFor: (query: string) => void
} {
  const [location, navigate] = useLocation()
  return {
    query: location.startsWith(AT) ? decoded(rawQuery()) : '',
    searchFor(query) {
      const replace = location === '/devices' || location.startsWith(AT)
      navigate(query === '' ? '/devices' : searchPath(query), { replace })
    },
  }
}

/** The address of the devices that a search finds, for links. */
export function searchPath(query: string): string {
  return `${AT}${encodeURIComponent(query)}`
}

/** As it stands in the address: the router has taken only some of its escapes away. */
function rawQuery(): string {
  return location.hash.replace(/^#?\/?search\//, '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A text once nobody has changed it for a moment: half a word is no search. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return text === '' ? '' : settled
}
