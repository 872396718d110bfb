import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { SQLDialect, sql } from '@codemirror/lang-sql'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import type { TrialFault } from '../../api.ts'
import { CLAUSES, FUNCTIONS } from './words.ts'

/** The dialect of AWS IoT rules: what it calls its clauses and functions. */
const DIALECT = SQLDialect.define({
  keywords: CLAUSES.join(' ').toLowerCase(),
  builtin: FUNCTIONS.join(' '),
  types: '',
  operatorChars: '+-*/%<>=!|',
})

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--info)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warning)' },
  { tag: [tags.standard(tags.name), tags.function(tags.name)], color: 'var(--series-4)' },
  { tag: tags.comment, color: 'var(--faint)', fontStyle: 'italic' },
  { tag: tags.operator, color: 'var(--soft)' },
])

const LOOKS = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'transparent', fontSize: '14px' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '10px 0', caretColor: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', minHeight: '128px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-1px' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--faint)',
    border: 'none',
    paddingLeft: '4px',
  },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--accent-soft)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    color: 'var(--text)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--accent)',
    color: 'var(--on-accent)',
  },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--critical)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--critical) 1.5px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--warning) 1.5px',
    textUnderlineOffset: '3px',
  },
  '.cm-placeholder': { color: 'var(--faint)' },
})

interface SqlEditorProps {
  readonly value: string
  readonly onChange: (value: string) => void
  /** Where it is wrong, if it is. */
  readonly fault: TrialFault | undefined
  /** Names of values that the messages have. */
  readonly metrics: readonly string[]
  readonly readOnly: boolean
}

/** An editor for the SQL of one rule: colours, what fits at the cursor, and a wavy line where it is wrong. */
export function SqlEditor({ value, onChange, fault, metrics, readOnly }: SqlEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<Editor>(undefined)
  const changed = useRef(onChange)
  const known = useRef(metrics)
  changed.current = onChange
  known.current = metrics

  useEffect(() => {
    if (host.current === null) return
    const made = createEditor(host.current, {
      onChange: (text) => changed.current(text),
      metrics: () => known.current,
    })
    editor.current = made
    return () => made.end()
  }, [])

  useEffect(() => editor.current?.show(value), [value])
  useEffect(() => editor.current?.mark(fault), [fault])
  useEffect(() => editor.current?.lock(readOnly), [readOnly])
  return <div className="sql-editor" ref={host} />
}

interface Editor {
  show(text: string): void
  mark(fault: TrialFault | undefined): void
  lock(readOnly: boolean): void
  end(): void
}

interface EditorOptions {
  readonly onChange: (text: string) => void
  readonly metrics: () => readonly string[]
}

/**
 * In a shadow root: there the editor adopts style sheets, in the page it would add a style element, which the content
 * security policy lets nobody do.
 */
function createEditor(host: HTMLElement, { onChange, metrics }: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const locked = new Compartment()
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        sql({ dialect: DIALECT, upperCaseKeywords: true }),
        syntaxHighlighting(COLOURS),
        autocompletion({ override: [(context) => complete(context, metrics())] }),
        EditorView.lineWrapping,
        placeholder("SELECT * FROM 'devices/+/telemetry' WHERE temp > 30"),
        EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString())
        }),
        locked.of(EditorState.readOnly.of(false)),
        LOOKS,
      ],
    }),
  })
  return {
    show(text) {
      const now = view.state.doc.toString()
      if (now !== text) view.dispatch({ changes: { from: 0, to: now.length, insert: text } })
    },
    mark(fault) {
      view.dispatch(setDiagnostics(view.state, fault === undefined ? [] : [place(view, fault)]))
    },
    lock: (readOnly) =>
      view.dispatch({ effects: locked.reconfigure(EditorState.readOnly.of(readOnly)) }),
    end: () => view.destroy(),
  }
}

/** From where a fault is told to the end of the word that stands there. */
function place({ state: { doc } }: EditorView, fault: TrialFault): Diagnostic {
  const line = doc.line(Math.min(Math.max(fault.line ?? 1, 1), doc.lines))
  const start = Math.min(line.from + Math.max((fault.column ?? 1) - 1, 0), line.to)
  const word = /^(?:\w+|'[^']*'?|\S)/.exec(doc.sliceString(start, line.to))?.[0] ?? ''
  // At the end of the text there is nothing to underline but what stands before it.
  const from = word === '' ? Math.max(line.from, start - 1) : start
  return {
    from,
    to: Math.max(from, start + word.length),
    severity: 'error',
    message: fault.message,
  }
}

/** What fits at the cursor: clauses, functions, and what the messages have. */
function complete(context: CompletionContext, metrics: readonly string[]): CompletionResult | null {
  const word = context.matchBefore(/[\w.]+/)
  if (word === null && !context.explicit) return null
  return {
    from: word?.from ?? context.pos,
    options: [
      ...metrics.map((label) => ({ label, type: 'property', boost: 2 })),
      ...CLAUSES.map((label) => ({ label, type: 'keyword' })),
      ...FUNCTIONS.map((label) => ({ label, type: 'function', apply: `${label}(`, boost: -1 })),
    ],
  }
}
