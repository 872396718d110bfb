/** Searches that people need often, one click away. */
export const SEARCH_HINTS = [
  { query: 'alarms>0', label: 'With alarms' },
  { query: 'alarm:critical', label: 'Critical' },
  { query: 'state:online', label: 'Online' },
  { query: 'state:offline', label: 'Offline' },
  { query: 'state:late', label: 'Late' },
] as const
