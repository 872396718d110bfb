import { useQuery } from '@tanstack/react-query'
import { api } from '../api.ts'
import { COUNTED } from '../api-administer.ts'
import { formatCount } from '../format.ts'
import { useLater } from './use-later.ts'

/** How many devices a search finds, while it is written. */
export function useFound(query: string): { readonly hint: string; readonly fault: string } {
  const later = useLater(query.trim())
  const asked = useQuery({
    queryKey: ['found', later],
    queryFn: () =>
      api.devices({ limit: 1, sort: COUNTED, ...(later === '' ? {} : { query: later }) }),
    placeholderData: (before) => before,
    retry: false,
  })
  if (asked.isError) return { hint: '', fault: asked.error.message }
  const { total, devices = [] } = asked.data ?? {}
  if (total !== undefined)
    return { hint: `${formatCount(total)} ${total === 1 ? 'device' : 'devices'}`, fault: '' }
  return { hint: devices.length > 0 ? 'finds devices' : '', fault: '' }
}
