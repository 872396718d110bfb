import '../../ui/form.css'
import './notifications.css'
import { useQuery } from '@tanstack/react-query'
import { administer } from '../../api-administer.ts'
import { urlOf } from '../../http.ts'
import { GoneAddresses } from './gone-addresses.tsx'
import { History } from './history.tsx'
import { NewNotification } from './new-notification.tsx'

/** How often is asked how many mails there are. Unit: ms. */
const AGAIN_MS = 3_000

/** Tells people something, and what became of what they were told. */
export function NotificationsPage() {
  const mailbox = useQuery({
    queryKey: ['mailbox'],
    queryFn: administer.mailbox,
    // Only an embedded cloud has one.
    refetchInterval: ({ state }) => (typeof state.data === 'number' ? AGAIN_MS : false),
    retry: false,
  })
  return (
    <>
      <header className="page-head">
        <h1>Notifications</h1>
        {typeof mailbox.data === 'number' && (
          <div className="row">
            <a className="button" href={urlOf('/mailbox')} target="_blank" rel="noreferrer">
              Mailbox <span className="badge">{mailbox.data}</span>
            </a>
          </div>
        )}
      </header>
      <NewNotification />
      <History />
      <GoneAddresses />
    </>
  )
}
