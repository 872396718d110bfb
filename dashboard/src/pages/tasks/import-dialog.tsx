import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { CodeBlock } from '../../ui/code-block.tsx'
import { FormFault } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { saveFile } from '../../ui/save-file.ts'
import { Segments } from '../../ui/segments.tsx'
import { DropZone } from './drop-zone.tsx'

const MODES = [
  { value: 'create', label: 'New ones only' },
  { value: 'update', label: 'Known ones only' },
  { value: 'upsert', label: 'Both' },
] as const

const EXAMPLE = `deviceId,type,enabled,credential,tags.site
fridge-1,fridge,true,token,west
fridge-2,fridge,true,certificate,east
`

/** What of a file is looked at before it is sent. Unit: bytes. */
const HEAD_BYTES = 4_096

/** Registers the devices of a table. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const [file, setFile] = useState<File>()
  const [mode, setMode] = useState<(typeof MODES)[number]['value']>('create')
  const acting = useAct({
    run: (chosen: File) => administer.startImport(chosen, mode),
    failed: 'Nothing was imported',
    refresh: [['tasks']],
    onDone: onClose,
  })
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title="Import devices"
      text={
        <>
          A table with the column <code>deviceId</code>, and any of <code>type</code>,{' '}
          <code>enabled</code>, <code>credential</code> (none, certificate, token or key) and{' '}
          <code>tags.…</code>. A row that cannot be done is told with its line; the others are done.
        </>
      }
    >
      <DropZone
        what="a table of devices (.csv)"
        accept=".csv,text/csv"
        file={file}
        onFile={(chosen) => {
          acting.reset()
          setFile(chosen)
        }}
      />
      {file !== undefined && <Head file={file} />}
      <div className="field">
        <span>Which devices</span>
        <div>
          <Segments label="Which devices" options={MODES} value={mode} onChange={setMode} />
        </div>
      </div>
      <FormFault error={acting.error} fields={[]} />
      <div className="dialog-foot">
        <button
          type="button"
          className="button ghost dialog-aside"
          onClick={() => saveFile(new Blob([EXAMPLE], { type: 'text/csv' }), 'devices.csv')}
        >
          Example table
        </button>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
        <button
          type="button"
          className="button primary"
          disabled={file === undefined || acting.isPending}
          onClick={() => file !== undefined && acting.mutate(file)}
        >
          {acting.isPending ? 'Sending …' : 'Import'}
        </button>
      </div>
    </Modal>
  )
}

/** The first lines of a file, as they are. */
function Head({ file }: { readonly file: File }) {
  const read = useQuery({
    queryKey: ['head-of-file', file.name, file.size, file.lastModified],
    queryFn: () => file.slice(0, HEAD_BYTES).text(),
    gcTime: 0,
  })
  return (
    <CodeBlock
      label="First lines"
      className="file-head"
      text={(read.data ?? '').split(/\r?\n/).slice(0, 5).join('\n')}
    />
  )
}
