import { Dialog } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'

interface ModalProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly text?: ReactNode
  readonly wide?: boolean
  readonly children: ReactNode
}

/** A dialog over the page. Its buttons stand in a `<div className="dialog-foot">`. */
export function Modal({ open, onClose, title, text, wide = false, children }: ModalProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={wide ? 'dialog wide' : 'dialog'}>
          <Dialog.Title className="dialog-title">{title}</Dialog.Title>
          {text !== undefined && <Dialog.Description className="quiet">{text}</Dialog.Description>}
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
