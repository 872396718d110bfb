import { type DragEvent, useId, useState } from 'react'

interface DropZoneProps {
  /** `a table of devices (.csv)` */
  readonly what: string
  readonly accept: string
  readonly file: File | undefined
  readonly onFile: (file: File) => void
}

/** Takes one file: picked, or dropped here. */
export function DropZone({ what, accept, file, onFile }: DropZoneProps) {
  const [over, setOver] = useState(false)
  const id = useId()

  function drop(event: DragEvent): void {
    event.preventDefault()
    setOver(false)
    const [dropped] = event.dataTransfer.files
    if (dropped !== undefined) onFile(dropped)
  }

  return (
    <label
      className="drop-zone"
      htmlFor={id}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        id={id}
        type="file"
        className="visually-hidden"
        accept={accept}
        onChange={({ target }) => {
          const [picked] = target.files ?? []
          if (picked !== undefined) onFile(picked)
        }}
      />
      {file === undefined ? (
        <span className="drop-title">Drop {what} here, or choose one</span>
      ) : (
        <>
          <span className="drop-title">{file.name}</span>
          <span className="quiet">{formatBytes(file.size)}; another one takes its place</span>
        </>
      )}
    </label>
  )
}

function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
