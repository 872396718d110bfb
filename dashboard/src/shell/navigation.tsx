import { Fragment } from 'react'
import { Link, useLocation } from 'wouter'
import { NAV_GROUPS, PAGES, type PageEntry } from '../pages.ts'
import { useSession } from '../session/session.ts'

export function Brand() {
  return (
    <Link href="/" className="brand" aria-label="anyhub, overview">
      <img src="./icon.svg" width="22" height="22" alt="" />
      <span>anyhub</span>
    </Link>
  )
}

/** The way to every page. */
export function Navigation({ onGo }: { readonly onGo?: () => void }) {
  const [location] = useLocation()
  const { caller } = useSession()
  const seen = ({ nav }: PageEntry): boolean =>
    nav !== undefined &&
    (nav.scope === undefined ||
      caller.kind === 'anonymous' ||
      caller.scopes.some((scope) => scope === nav.scope))
  return (
    <nav className="nav" aria-label="Pages">
      {NAV_GROUPS.map((group) => {
        const pages = PAGES.filter((page) => page.nav?.group === group && seen(page))
        return (
          <Fragment key={group}>
            {group !== '' && pages.length > 0 && <p className="nav-group">{group}</p>}
            {pages.map((page) => (
              <NavLink key={page.path} page={page} location={location} onGo={onGo} />
            ))}
          </Fragment>
        )
      })}
    </nav>
  )
}

interface NavLinkProps {
  readonly page: PageEntry
  readonly location: string
  readonly onGo: (() => void) | undefined
}

function NavLink({ page, location, onGo }: NavLinkProps) {
  // A page has the hook or it has none, for good.
  const shown = page.nav?.useShown?.() ?? true
  const Icon = page.nav?.icon ?? Fragment
  const here =
    location === page.path || page.nav?.also?.some((path) => location.startsWith(path)) === true
  if (!shown) return null
  return (
    <Link
      href={page.path}
      className="nav-link"
      aria-current={here ? 'page' : undefined}
      {...(onGo === undefined ? {} : { onClick: onGo })}
    >
      <Icon />
      {page.title}
    </Link>
  )
}
