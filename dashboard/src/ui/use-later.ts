import { useEffect, useState } from 'react'

/** The value once it has rested: what is typed is not asked about letter by letter. Unit: ms. */
export function useLater<T>(value: T, restMs = 250): T {
  const [later, setLater] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), restMs)
    return () => clearTimeout(timer)
  }, [value, restMs])
  return later
}
