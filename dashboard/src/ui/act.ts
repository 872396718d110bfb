import { useMutation, useQueryClient } from '@tanstack/react-query'
import { tell, tellFault } from './toasts.tsx'

interface ActOptions<In, Out> {
  readonly run: (input: In) => Promise<Out>
  /** What is said when it worked; nothing where it can be seen anyway. */
  readonly done?: string | ((out: Out, input: In) => string)
  /** What is said when it did not; the cloud's reason stands under it. */
  readonly failed: string
  /** Questions whose answers are other ones now. */
  readonly refresh?: readonly (readonly unknown[])[]
  readonly onDone?: (out: Out, input: In) => void
}

/** A change that a person makes: runs it, says what became of it, and asks anew for what it changed. */
export function useAct<In, Out>({ run, done, failed, refresh = [], onDone }: ActOptions<In, Out>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: run,
    onError: (error) => tellFault(failed, error),
    onSuccess: async (out, input) => {
      if (done !== undefined) tell(typeof done === 'string' ? done : done(out, input))
      onDone?.(out, input)
      await Promise.all(refresh.map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  })
}
