import { type ReactNode, useId, useState } from 'react'
import { ApiFault, type FieldFault } from '../http.ts'
import { askToSignIn } from '../session/session.ts'
import { CloseIcon } from './icons.tsx'
import { Empty } from './parts.tsx'

/** What the cloud has against single fields of what was sent. */
export function faultsOf(error: unknown): readonly FieldFault[] {
  return error instanceof ApiFault ? error.errors : []
}

/** What it has against one field and what is in it: `/audience/people`; '' if nothing. */
export function faultAt(error: unknown, pointer: string): string {
  return faultsOf(error)
    .filter((fault) => fault.pointer === pointer || fault.pointer?.startsWith(`${pointer}/`))
    .map(({ detail }) => detail)
    .join('; ')
}

interface FieldProps {
  readonly label: string
  /** What stands beneath it while nothing is wrong. */
  readonly hint?: ReactNode
  readonly fault?: string
  readonly className?: string
  readonly children: (props: {
    readonly id: string
    readonly 'aria-invalid': boolean
    readonly 'aria-describedby': string
  }) => ReactNode
}

/** An input with its name, and what is wrong with it. */
export function Field({ label, hint, fault = '', className = '', children }: FieldProps) {
  const id = useId()
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-invalid': fault !== '', 'aria-describedby': `${id}-note` })}
      <span id={`${id}-note`} className={fault === '' ? 'field-hint' : 'field-fault'}>
        {fault === '' ? hint : fault}
      </span>
    </div>
  )
}

/** Why a form was refused: what belongs to none of the fields that show their own faults. */
export function FormFault({
  error,
  fields,
}: {
  readonly error: unknown
  /** Pointers of those fields. */
  readonly fields: readonly string[]
}) {
  if (error === null || error === undefined) return null
  if (error instanceof ApiFault && error.status === 401) return null
  const others = faultsOf(error).filter(
    ({ pointer = '' }) =>
      !fields.some((field) => pointer === field || pointer.startsWith(`${field}/`)),
  )
  const isAllShown = faultsOf(error).length > 0 && others.length === 0
  if (isAllShown) return null
  const lines =
    others.length > 0
      ? others.map(({ pointer = '', detail, line }) =>
          `${pointer}${line === undefined ? '' : ` line ${line}`} ${detail}`.trim(),
        )
      : [error instanceof Error ? error.message : String(error)]
  return (
    <div className="banner critical" role="alert">
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  )
}

interface TokensProps {
  readonly label: string
  readonly values: readonly string[]
  readonly onChange: (values: readonly string[]) => void
  /** What is offered while typing. */
  readonly offers?: readonly string[]
  readonly placeholder?: string
  readonly hint?: ReactNode
  readonly fault?: string
}

/** Several words: Enter, a comma or a space puts one in; Backspace takes the last one out. */
export function Tokens({
  label,
  values,
  onChange,
  offers = [],
  placeholder,
  hint,
  fault,
}: TokensProps) {
  const [text, setText] = useState('')
  const listId = useId()

  function take(typed: string): void {
    const words = typed.split(/[\s,;]+/).filter((word) => word !== '')
    if (words.length > 0) onChange([...new Set([...values, ...words])])
    setText('')
  }

  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })} fault={fault ?? ''}>
      {(props) => (
        <div className="tokens">
          {values.map((value) => (
            <span key={value} className="token">
              {value}
              <button
                type="button"
                aria-label={`Without ${value}`}
                onClick={() => onChange(values.filter((one) => one !== value))}
              >
                <CloseIcon />
              </button>
            </span>
          ))}
          <input
            {...props}
            value={text}
            list={listId}
            placeholder={values.length === 0 ? placeholder : undefined}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) =>
              /[\s,;]/.test(target.value) || offers.includes(target.value)
                ? take(target.value)
                : setText(target.value)
            }
            onBlur={() => take(text)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && text !== '') {
                event.preventDefault()
                take(text)
              }
              if (event.key === 'Backspace' && text === '') onChange(values.slice(0, -1))
            }}
          />
          <datalist id={listId}>
            {offers
              .filter((offer) => !values.includes(offer))
              .map((offer) => (
                <option key={offer} value={offer} />
              ))}
          </datalist>
        </div>
      )}
    </Field>
  )
}

/** True if the cloud does not let this caller see something. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiFault && (error.status === 401 || error.status === 403)
}

/** What stands where somebody may not look. */
export function Refused({
  may,
  what,
}: {
  readonly may: 'yes' | 'ask' | 'no'
  /** `Only an admin sees who may come in`. */
  readonly what: string
}) {
  return (
    <Empty title={what}>
      {may === 'no' ? (
        <p>You are signed in as somebody who may not.</p>
      ) : (
        <>
          <p>Signing in shows it.</p>
          <button type="button" className="button" onClick={() => void askToSignIn()}>
            Sign in
          </button>
        </>
      )}
    </Empty>
  )
}
