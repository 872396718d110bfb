import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Router } from 'wouter'
import { useHashLocation } from 'wouter/use-hash-location'
import { ApiFault } from './http.ts'
import { useSession } from './session/session.ts'
import { SignInGate } from './session/sign-in.tsx'
import { Shell } from './shell/shell.tsx'
import { Toasts } from './ui/toasts.tsx'

/** What is refused stays refused; what did not answer is asked once more. */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 1 && error instanceof ApiFault && error.status >= 500,
    },
  },
})

/** The whole page: behind the gate until somebody is known, where the cloud wants that. */
export function App() {
  const { status } = useSession()
  return (
    // The content security policy lets no style elements in.
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Router hook={useHashLocation}>
          {status === 'gate' && <SignInGate />}
          {status === 'ready' && <Shell />}
          <Toasts />
        </Router>
      </QueryClientProvider>
    </CSPProvider>
  )
}
