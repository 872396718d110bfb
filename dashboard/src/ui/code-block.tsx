interface CodeBlockProps {
  /** What it is, for those who do not see it. */
  readonly label: string
  readonly text: string
  readonly className?: string
}

/** A text as it is, in a place of its own to scroll in. */
export function CodeBlock({ label, text, className = '' }: CodeBlockProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a section would not keep its white space
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to
    <pre className={`code ${className}`.trim()} role="region" aria-label={label} tabIndex={0}>
      {text}
    </pre>
  )
}
