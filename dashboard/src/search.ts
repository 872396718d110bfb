import { useLocation } from 'wouter'

const AT = '/search/'

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
