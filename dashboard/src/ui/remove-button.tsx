import { useState } from 'react'
import { useAct } from './act.ts'

interface RemoveButtonProps {
  readonly name: string
  readonly run: () => Promise<unknown>
  readonly refresh: readonly (readonly unknown[])[]
  readonly onDone: () => void
}

/** Takes something away at the second press: the first one says what would happen. */
export function RemoveButton({ name, run, refresh, onDone }: RemoveButtonProps) {
  const [sure, setSure] = useState(false)
  const acting = useAct({
    run,
    done: `${name} is gone`,
    failed: `${name} is still there`,
    refresh,
    onDone,
  })
  return (
    <button
      type="button"
      className="button danger dialog-aside"
      disabled={acting.isPending}
      onClick={() => (sure ? acting.mutate(undefined) : setSure(true))}
    >
      {sure ? `Really remove ${name}` : 'Remove'}
    </button>
  )
}
