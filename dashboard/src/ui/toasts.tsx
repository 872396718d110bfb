import { Toast } from '@base-ui/react/toast'
import { ApiFault } from '../http.ts'
import { CloseIcon } from './icons.tsx'

const manager = Toast.createToastManager()

const SHOWN_MS = 5_000
const FAULT_SHOWN_MS = 10_000

/** Says that something was done. */
export function tell(title: string, description?: string): void {
  manager.add({ title, timeout: SHOWN_MS, ...(description === undefined ? {} : { description }) })
}

/** Says that something did not work, and why, in the words of the cloud. */
export function tellFault(title: string, error: unknown): void {
  // A person who closed the sign-in form knows.
  if (error instanceof ApiFault && error.status === 401) return
  const fields =
    error instanceof ApiFault
      ? error.errors.map(({ pointer, detail }) => `${pointer ?? ''} ${detail}`.trim())
      : []
  const detail = error instanceof Error ? error.message : String(error)
  manager.add({
    type: 'fault',
    title,
    description: [detail, ...fields.filter((field) => !detail.includes(field))].join(' · '),
    timeout: FAULT_SHOWN_MS,
    priority: 'high',
  })
}

/** Where toasts are shown; once on the page. */
export function Toasts() {
  return (
    <Toast.Provider toastManager={manager} limit={3}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function ToastList() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" swipeDirection="right">
      <Toast.Title className="toast-title" />
      <Toast.Description className="toast-text" />
      <Toast.Close className="button ghost small icon" aria-label="Close">
        <CloseIcon />
      </Toast.Close>
    </Toast.Root>
  ))
}
